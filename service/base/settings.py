"""The one configuration of a process: command line > KERASD_* > secrets > kerasd.toml > default.

Environment variables are read here and nowhere else.
"""

import os
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from service.base.errors import SettingsInvalid
from service.base.faults import UNKNOWN, fault_text
from service.base.job_settings import JobSettings, Positive, Seconds
from service.base.loading_settings import LoadingSettings
from service.base.place_settings import PlaceSettings
from service.base.processors import processors
from service.base.secret_files import SECRET_SETTINGS, SECRETS_DIR, SecretFiles, read_secrets

ENV_PREFIX = "KERASD_"
API_KEY = "KERASD_API_KEY"
CONFIG_FILE = "kerasd.toml"
MEBIBYTE = 1024 * 1024


class Settings(PlaceSettings, LoadingSettings, JobSettings):
    """Every setting, its default, and one line that says what it is for."""

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX, extra="forbid", frozen=True, toml_file=CONFIG_FILE
    )

    host: str = Field(default="127.0.0.1", description="Address to listen on")
    port: int = Field(default=8080, ge=0, le=65535, description="Port to listen on")
    workers: Positive = Field(default_factory=processors, description="Web worker processes")
    flask_threads: Positive = Field(
        default=8, description="Threads a worker for everything but predictions"
    )
    run_threads: Positive = Field(
        default=2, description="Threads a worker for predictions too long for the event loop"
    )
    max_body_mb: Positive = Field(default=64, description="Largest request body in MiB")
    max_rows: Positive = Field(
        default=100_000, description="Most instances in one request, unless model.yaml says less"
    )
    max_queue: Positive = Field(
        default=256,
        description="Requests of one model that may wait for a run in a worker; then 429",
    )
    max_queue_s: Seconds = Field(
        default=1,
        description="How long a request may have to wait for a run, by the latest runs; then 429",
    )
    max_connections: Positive = Field(
        default=2048,
        description="Open connections a worker; "
        "then the one that has waited longest for a request is closed",
    )
    head_timeout_s: Seconds = Field(
        default=10, description="How long the head of a request may take to arrive"
    )
    body_timeout_s: Seconds = Field(
        default=15, description="How long a body may take to arrive, and a second more a 100 KiB"
    )
    drain_s: float = Field(
        default=1,
        ge=0,
        le=3600,
        description="How long the service answers on once it is told to end, so that it is missed "
        "first where requests are sent; 10 in Kubernetes",
    )
    worker_memory_mb: int = Field(
        default=0,
        ge=0,
        description="Address space of a web worker in MiB; 0 = its share, at least 4096",
    )
    extra_keys: bool = Field(
        default=True,
        description="Answer more than the protocols name: decisions, model_version, ready",
    )
    receipts: bool = Field(
        default=True,
        description="Give each answer a prediction_id that its true label may be sent for later",
    )
    cors: bool = Field(default=False, description="Let web pages of any origin ask for predictions")
    model_control: bool = Field(
        default=True, description="Let clients load, unload, promote, upload and delete"
    )
    access: Literal["auto", "keys", "open"] = Field(
        default="auto",
        description="keys: each request needs a key or a token; open: none does; "
        "auto: open on a loopback address, keys elsewhere",
    )
    keys_file: Path | None = Field(
        default=None, description="File of hashed keys; default: keys.json in the state directory"
    )
    oidc_issuer: str = Field(
        default="", description="Accept bearer tokens of this OpenID Connect issuer; empty = none"
    )
    oidc_audience: str = Field(default="", description="Audience that such a token must be for")
    oidc_roles: str = Field(default="roles", description="Claim that holds the roles of a token")
    secrets_dir: Path = Field(
        default=SECRETS_DIR, description="Folder of secrets as files, named kerasd_<setting>"
    )
    api_key: SecretStr = Field(
        default=SecretStr(""),
        description="Key that the command line sends; not used by the service",
    )
    max_upload_mb: Positive = Field(default=2048, description="Largest upload of a version in MiB")
    upload_saved_models: bool = Field(
        default=False, description="Take SavedModels as uploads: they are programs"
    )
    model_memory_mb: int = Field(
        default=0,
        ge=0,
        description="Memory for loaded models a worker in MiB; what isn't used gives way; 0 = all",
    )
    cold_models: Literal["wait", "refuse"] = Field(
        default="wait",
        description="What a request meets whose model is not loaded: it waits, or is told 503",
    )
    keep_days: float = Field(
        default=7, ge=0, description="Versions that answered within so many days aren't deleted"
    )
    traces: bool = Field(
        default=False, description="Send OpenTelemetry traces (OTEL_* in the environment say where)"
    )
    load_wait_s: Seconds = Field(
        default=5, description="How long a request waits for a version that is being loaded"
    )
    predict_timeout_s: Seconds = Field(
        default=30, description="How long a prediction may take; a request may ask for less"
    )
    poll_s: Seconds = Field(default=1, description="Pause between two looks at the repository")
    settle_s: Seconds = Field(
        default=1.5, description="How long a new file must not have changed before it is read"
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="INFO", description="Least severe log line that is written"
    )
    log_format: Literal["json", "text"] = Field(
        default="json", description="One JSON object a line, or text for people"
    )
    multiprocess_metrics: bool = Field(
        default=True,
        description="Sum /metrics over all workers (files in /dev/shm where that has room)",
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Fix the order: what was given, the environment, secrets, the file."""
        file = TomlConfigSettingsSource(settings_cls)
        return init_settings, env_settings, SecretFiles(settings_cls, file), file

    @property
    def max_body_bytes(self) -> int:
        """Largest request body in bytes."""
        return self.max_body_mb * MEBIBYTE

    @property
    def keys_path(self) -> Path:
        """The file of keys."""
        return self.keys_file or self.state_dir / "keys.json"

    @property
    def url(self) -> str:
        """Where the service is to be asked, from this machine."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host.replace('0.0.0.0', '127.0.0.1')}:{self.port}"  # noqa: S104

    def environment(self, *, elsewhere: bool = False) -> dict[str, str]:
        """The environment of a child process that shall have these very settings.

        What it can read from the same secret files isn't in it; one on another machine can't.
        """
        values = self.model_dump(mode="json", exclude={"api_key"})
        values |= self.places()
        values["keys_file"] = self.keys_path.absolute()
        values["ray_token"] = self.ray_token.get_secret_value()
        values["secrets_dir"] = self.secrets_dir.absolute()
        secrets = {} if elsewhere else read_secrets(self.secrets_dir)
        known = {API_KEY} | {_variable(key) for key in secrets if secrets[key] == values.get(key)}
        if self.data_dir is not None:
            values["data_dir"] = self.data_dir.absolute()
        values["custom_objects_path"] = [str(Path(p).absolute()) for p in self.custom_objects_path]
        ours = {
            _variable(key): _joined(value) for key, value in values.items() if value is not None
        }
        # Two malloc arenas instead of eight a core: large JSON bodies leave less behind in each.
        told = {"MALLOC_ARENA_MAX": "2", **os.environ, **ours}
        return {key: value for key, value in told.items() if key not in known}


def _variable(setting: str) -> str:
    return f"{ENV_PREFIX}{setting.upper()}"


def _joined(value: Any) -> str:
    return ",".join(value) if isinstance(value, list) else str(value)


def read_settings(**given: Any) -> Settings:
    """Read the settings once; `given` comes from the command line and wins, `None` is not given.

    Raises SettingsInvalid with every wrong key and value.
    """
    known = {_variable(name) for name in Settings.model_fields}
    unknown = sorted(
        name for name in os.environ if name.startswith(ENV_PREFIX) and name not in known
    )
    if unknown:
        raise SettingsInvalid(f"unknown setting in the environment: {', '.join(unknown)}")
    try:
        return Settings(**{key: value for key, value in given.items() if value is not None})
    except ValidationError as error:
        raise SettingsInvalid(_explain(error)) from error
    except (OSError, ValueError) as error:  # an unreadable or malformed kerasd.toml
        raise SettingsInvalid(f"{CONFIG_FILE}: {error}") from error


def bare_environment(scratch: Path) -> dict[str, str]:
    """The environment of a process that handles strangers' files: no secrets, its own scratch."""
    kept = {k: v for k, v in os.environ.items() if k in ("PATH", "LANG", "LC_ALL", "PYTHONPATH")}
    return {
        **kept,
        "HOME": str(scratch),
        "TMPDIR": str(scratch),
        "HDF5_PLUGIN_PRELOAD": "::",  # no HDF5 filter plugins from anywhere
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "CUDA_VISIBLE_DEVICES": "",
        "KERAS_BACKEND": "tensorflow",
        "MALLOC_ARENA_MAX": "2",
        # numpy reserves 40 MiB of addresses a thread, of which a child has a limit; it needs one.
        "OPENBLAS_NUM_THREADS": "1",
    }


def fallback_environment() -> dict[str, str]:
    """This process' environment, with tf_keras in the place of TensorFlow's own Keras."""
    return {**os.environ, "TF_USE_LEGACY_KERAS": "1"}


def _explain(error: ValidationError) -> str:
    lines = []
    for fault in error.errors():
        key = ".".join(str(part) for part in fault["loc"])
        given = "…" if key in SECRET_SETTINGS else repr(fault["input"])
        why = "there is no such setting" if fault["type"] == UNKNOWN else fault_text(fault)
        lines.append(f"setting {key} = {given}: {why}")
    return "; ".join(lines)
