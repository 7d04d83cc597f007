"""What was received, made ready to be published: its files, its model.yaml, where it comes from."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from service.base.errors import RequestInvalid
from service.base.http_errors import UploadRefused
from service.base.names import parse_version
from service.base.refusals import ModelConfigInvalid
from service.repository.audit import Order, check_why
from service.repository.manifest import Provenance
from service.repository.model_config import CONFIG_NAME, ModelConfig, read_model_config
from service.repository.policy import current_of, settle
from service.repository.published import content_digest
from service.repository.publishing import Parcel
from service.repository.store import VersionStore
from service.web.upload.head import UploadHead
from service.web.upload.receiver import Received

FIELDS = ("parent", "why")
MAX_CONFIG_BYTES = 64 * 1024
QUICK_CONFIG_BYTES = 2048  # read here; more, in a child


@dataclass(frozen=True, slots=True)
class Packing:
    """Makes parcels, out of what is recorded of the model.

    `check_config` reads the model.yaml in a folder, or raises UploadRefused.
    """

    store: VersionStore
    repository: Path
    check_config: Callable[[Path], ModelConfig]
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def pack(
        self, head: UploadHead, received: Received, order: Order
    ) -> tuple[Parcel, ModelConfig]:
        """The parcel, and the configuration that its model has or will have.

        Raises RequestInvalid, UploadRefused.
        """
        rows, route = self.store.rows(head.model), self.store.route(head.model)
        files = {name: path for name, path in received.files.items() if name != CONFIG_NAME}
        digests = {name: received.digests[name] for name in files}
        if not files:
            raise RequestInvalid(f"The form has no model file beside {CONFIG_NAME}")
        config_path, config = self._config(head.model, received.files)
        given = _read_fields(received.fields)
        provenance = Provenance(
            uploaded_by=order.who,
            at=self.now().isoformat(timespec="milliseconds"),
            why=order.why or given.get("why", ""),
            parent=_parent(given) or current_of(settle(rows, {head.model: route})),
            sha256=content_digest(digests.values()),
            key=head.key,
        )
        used = {row.version for row in rows} | set(route.retired)
        return (
            Parcel(
                head.model, files, digests, provenance, head.version, used, config_path, head.again
            ),
            config,
        )

    def _config(self, model: str, files: Mapping[str, Path]) -> tuple[Path | None, ModelConfig]:
        sent = files.get(CONFIG_NAME)
        if sent is None:
            return None, self._config_there(self.repository / model)
        size = sent.stat().st_size
        if size > MAX_CONFIG_BYTES:
            raise UploadRefused(
                f"{CONFIG_NAME}: expected at most {MAX_CONFIG_BYTES} bytes over HTTP, got {size}"
            )
        folder = sent.with_name(".config")  # no file that was sent has this name
        folder.mkdir()
        sent = sent.rename(folder / CONFIG_NAME)
        config = self.check_config(folder)
        if config.allow_lambda:
            raise UploadRefused(
                f"{CONFIG_NAME}: allow_lambda lets a file's code run; it is not taken over HTTP"
            )
        if config.retrain is not None and config.retrain.webhook:
            raise UploadRefused(
                f"{CONFIG_NAME}: retrain.webhook has the service ask an address in its network; it "
                "is not taken over HTTP"
            )
        return sent, config

    def _config_there(self, folder: Path) -> ModelConfig:
        """That of a model's folder; if it can't be used, that is its operator's matter."""
        try:
            if (folder / CONFIG_NAME).stat().st_size > QUICK_CONFIG_BYTES:
                return self.check_config(folder)
            return read_model_config(folder)
        except (FileNotFoundError, ModelConfigInvalid, UploadRefused):
            return ModelConfig()


def _read_fields(fields: Mapping[str, str]) -> Mapping[str, str]:
    for name in fields:
        if name not in FIELDS:
            raise RequestInvalid(
                f"the form: expected files and the fields {', '.join(FIELDS)}, got {name[:40]!a}"
            )
    check_why(fields.get("why", ""))
    return fields


def _parent(fields: Mapping[str, str]) -> int | None:
    if "parent" not in fields:
        return None
    parent = parse_version(fields["parent"])
    if parent is None:
        raise RequestInvalid(
            f"parent: expected a positive whole number, got {fields['parent'][:40]!a}"
        )
    return parent
