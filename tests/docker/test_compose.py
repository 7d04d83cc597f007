"""The compose file: who may do what, who waits for whom, and that nothing listens to the world."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from service.base.metric_folder import WORKER_BYTES
from service.base.secret_files import PREFIX, SECRET_SETTINGS, read_secrets
from service.base.settings import Settings
from service.controller.heart import TURN
from tests.conftest import ROOT

FOLDER = ROOT / "docker"
TEXT = (FOLDER / "compose.yaml").read_text()
COMPOSE = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = ("migrate", "controller", "web", "tensorboard", "web-2", "tensorflow-2")
ASKED = ("web", "web-2")  # by the health check of the image
REPLICAS = ("postgres", "web-2", "tensorflow-2", "nginx")
PROFILES = ("single", "replicas")


def mounts(service: str) -> dict[str, str]:
    """Source and the rest of each volume of a service, with the defaults of variables."""
    told = [filled(mount) for mount in SERVICES[service].get("volumes", [])]
    return dict(mount.split(":", 1) for mount in told)


def filled(text: str, profile: str = "single") -> str:
    """The text with each variable at its default."""
    text = text.replace("${COMPOSE_PROFILES:-single}", profile)
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text)


def test_the_services_are_these() -> None:
    monitoring = ("alertmanager", "prometheus", "grafana")
    assert set(SERVICES) == {*OURS, *monitoring, "postgres", "nginx"}
    assert [name for name in SERVICES if "profiles" in SERVICES[name]] == list(REPLICAS)
    assert {SERVICES[name]["image"] for name in OURS} == {"${KERASD_IMAGE:-kerasd}"}
    (built,) = (one["build"] for one in SERVICES.values() if "build" in one)
    revision = {"REVISION": "${KERASD_REVISION:-unknown}"}
    assert built == {"context": "..", "target": "full", "args": revision}


def test_images_are_pinned_to_a_version() -> None:
    images = [one["image"] for one in SERVICES.values() if "KERASD" not in one["image"]]
    assert len(images) == 5
    for image in images:
        assert re.search(r":v?\d+(\.\d+){1,2}$", image), image


@pytest.mark.parametrize("name", SERVICES)
def test_no_container_can_do_more_than_it_must(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in service
    assert name == "postgres" or "cap_add" not in service
    assert re.fullmatch(r"\d+[mg]", filled(service["mem_limit"]))
    assert service["logging"]["options"]["max-size"]


@pytest.mark.parametrize("name", OURS)
def test_ours_run_as_the_images_user_within_limits(name: str) -> None:
    service = SERVICES[name]
    assert service["user"] == "10001:10001"
    assert service["pids_limit"]
    assert service["tmpfs"] == ["/tmp:size=256m,mode=1777"]
    told = set(service["environment"])
    assert told <= {f"KERASD_{setting.upper()}" for setting in Settings.model_fields}


def test_who_opens_strangers_files_reaches_the_database_alone() -> None:
    assert COMPOSE["networks"]["inside"] == {"internal": True}
    for name in ("controller", "tensorflow-2", "migrate"):
        assert SERVICES[name]["networks"] == ["inside"], name
        assert "ports" not in SERVICES[name]
    reached = {name for name, one in SERVICES.items() if "inside" in one.get("networks", [])}
    assert reached == {"controller", "tensorflow-2", "migrate", "postgres"}


def test_who_answers_reaches_the_database_by_a_network_without_a_way_out() -> None:
    assert COMPOSE["networks"]["database"] == {"internal": True}
    reached = {name for name, one in SERVICES.items() if "database" in one.get("networks", [])}
    assert reached == {*ASKED, "postgres"}
    assert "ports" not in SERVICES["postgres"]


def test_there_is_memory_for_the_counters_of_all_workers() -> None:
    for name in ASKED:
        room = int(filled(SERVICES[name]["shm_size"]).removesuffix("m")) * 1024**2
        workers = int(filled(SERVICES[name]["environment"]["KERASD_WORKERS"]))
        assert room >= workers * WORKER_BYTES


def test_what_is_mounted_is_there() -> None:
    for name in SERVICES:
        for source, rest in mounts(name).items():
            if source.startswith("."):
                assert (FOLDER / source).exists(), source
                assert rest.endswith(":ro"), source
            else:
                assert source in COMPOSE["volumes"], source


def test_models_are_read_only_unless_told_otherwise() -> None:
    wanted = "${KERASD_MODELS:-../model_repo}:/models:${KERASD_MODELS_MODE:-ro}"
    for name in ("web", "web-2", "controller"):
        assert wanted in SERVICES[name]["volumes"], name
    assert "models" in COMPOSE["volumes"]


def test_a_replica_has_its_own_state_and_shares_the_controllers() -> None:
    assert mounts("web")["state"] == mounts("controller")["state"] == "/var/lib/kerasd"
    assert mounts("web-2")["state-2"] == "/var/lib/kerasd"
    shared = mounts("web-2")["state"]
    told = SERVICES["web-2"]["environment"]
    assert told == {
        **SERVICES["web"]["environment"],
        "KERASD_SHARED_DIR": shared,
        "KERASD_KEYS_FILE": f"{shared}/keys.json",
    }
    assert mounts("tensorflow-2")["state-2"] == "/var/lib/kerasd"
    assert mounts("tensorflow-2")["state"] == f"{shared}:ro"
    assert SERVICES["tensorflow-2"]["environment"]["KERASD_SHARED_DIR"] == shared


def test_ports_are_open_to_this_host_only() -> None:
    published = [port for one in SERVICES.values() for port in one.get("ports", [])]
    assert len({filled(port).split(":")[1] for port in published}) == len(published) == 6
    for port in published:
        assert port.startswith("127.0.0.1:"), port


def test_the_database_has_its_schema_before_anybody_needs_it() -> None:
    for name in ("controller", "web", "web-2", "tensorflow-2", "tensorboard"):
        wanted = {"condition": "service_completed_successfully"}
        assert SERVICES[name]["depends_on"]["migrate"] == wanted, name
    assert SERVICES["migrate"]["restart"] == "no"


def test_who_is_waited_for_has_a_health_check() -> None:
    for name, service in SERVICES.items():
        for needed, how in service.get("depends_on", {}).items():
            is_checked = "test" in SERVICES[needed].get("healthcheck", {}) or needed in ASKED
            assert is_checked or how["condition"] != "service_healthy", (name, needed)
    assert {"web", "web-2"} <= set(SERVICES["nginx"]["depends_on"])
    for name in set(OURS) - {"controller"}:  # the image's own check asks a web service
        wanted = None if name in ASKED else {"disable": True}
        assert SERVICES[name].get("healthcheck") == wanted, name


def test_the_controller_is_asked_by_what_it_leaves() -> None:
    state = SERVICES["controller"]["environment"]["KERASD_STATE_DIR"]
    file = Settings(state_dir=state).run_dir / TURN
    test = ["CMD", "python", "-I", "-m", "service.base.pulse", str(file), "300"]
    assert SERVICES["controller"]["healthcheck"]["test"] == test


def test_every_variable_is_in_the_example_with_its_default() -> None:
    named = dict(re.findall(r"\$\{(\w+):-([^}]*)\}", TEXT))
    assert set(named) == set(re.findall(r"\$\{(\w+)", TEXT))
    lines = (FOLDER / ".env.example").read_text().splitlines()
    explained = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    assert named == explained


def test_no_page_exports_a_variable_of_compose() -> None:
    """Any kerasd of that shell would refuse it: it looks like a setting and is none."""
    for page in (ROOT / "docs").glob("*.md"):
        exported = re.findall(r"export KERASD_(\w+)", page.read_text())
        assert {name.lower() for name in exported} <= set(Settings.model_fields), page


def test_secrets_are_files_given_to_who_needs_them() -> None:
    given = {name: one["secrets"] for name, one in SERVICES.items() if "secrets" in one}
    ours = ("migrate", "controller", "web", "web-2", "tensorflow-2")
    assert given == {
        **{name: [f"{PREFIX}database_url"] for name in ours},
        "postgres": ["postgres_password"],
        "prometheus": ["metrics_key"],
        "grafana": ["grafana_password"],
    }
    assert {name.removeprefix(PREFIX) for name in given["web"]} <= set(SECRET_SETTINGS)
    for name, service in SERVICES.items():
        for key, value in service.get("environment", {}).items():
            assert "PASS" not in key or value.startswith("/run/secrets/"), (name, key)


def test_one_command_makes_every_secret_once(tmp_path: Path) -> None:
    script = tmp_path / "secrets.sh"
    script.write_text((FOLDER / "secrets.sh").read_text())
    subprocess.run(["sh", script], check=True, capture_output=True)
    wanted = [tmp_path / filled(one["file"], p) for one in COMPOSE["secrets"].values()
              for p in PROFILES]  # fmt: skip

    made = {path: path.read_text() for path in wanted}
    subprocess.run(["sh", script], check=True, capture_output=True)

    assert made == {path: path.read_text() for path in wanted}
    folder = tmp_path / "secrets"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in made} == {0o644}
    password = (folder / "postgres_password").read_text().strip()
    assert re.fullmatch(r"[0-9a-f]{48}", password)
    url = read_secrets(folder / "replicas")["database_url"]
    assert url == f"postgresql://kerasd:{password}@postgres/kerasd"
    assert read_secrets(folder / "single")["database_url"].startswith("sqlite:////var/lib/kerasd/")


def test_secrets_are_never_committed() -> None:
    ignored = (FOLDER / ".gitignore").read_text().split()
    assert ignored == ["/.env", "/secrets/"]


def test_prometheus_scrapes_every_web_service_by_its_name() -> None:
    config = yaml.safe_load((FOLDER / "prometheus" / "prometheus.yml").read_text())
    (job,) = (job for job in config["scrape_configs"] if job["job_name"] == "kerasd")
    mounted = {rest.removesuffix(":ro"): source for source, rest in mounts("prometheus").items()}
    assert job["file_sd_configs"] == [{"files": ["/etc/kerasd/targets.yml"]}]
    assert mounted["/etc/kerasd/targets.yml"] == "./prometheus/targets/single.yml"
    assert job["authorization"] == {"credentials_file": "/run/secrets/metrics_key"}
    for profile, wanted in (("single", ["web:8080"]), ("replicas", ["web:8080", "web-2:8080"])):
        file = FOLDER / "prometheus" / "targets" / f"{profile}.yml"
        assert yaml.safe_load(file.read_text()) == [{"targets": wanted}]
    assert config["alerting"]["alertmanagers"][0]["static_configs"] == [
        {"targets": ["alertmanager:9093"]}
    ]


def test_nginx_finds_all_replicas_by_one_name() -> None:
    text = (FOLDER / "nginx" / "kerasd.conf").read_text()
    assert "set $replicas http://kerasd:8080;" in text
    assert "proxy_set_header Host $http_host;" in text
    for name in ("web", "web-2"):
        assert SERVICES[name]["networks"]["default"] == {"aliases": ["kerasd"]}


def test_alertmanager_has_one_way_for_each_severity() -> None:
    config = yaml.safe_load((FOLDER / "alertmanager" / "alertmanager.yml").read_text())
    receivers = {receiver["name"] for receiver in config["receivers"]}
    routes = config["route"]["routes"]
    assert {route["receiver"] for route in routes} | {config["route"]["receiver"]} == receivers
    matchers = [matcher for route in routes for matcher in route["matchers"]]
    assert matchers == ['severity="critical"', 'severity="info"']


@pytest.mark.slow
@pytest.mark.parametrize(
    ("severity", "receiver"), [("critical", "at-once"), ("warning", "daytime"), ("info", "to-read")]
)
def test_alertmanager_takes_the_configuration(severity: str, receiver: str) -> None:
    config = str(FOLDER / "alertmanager" / "alertmanager.yml")
    subprocess.run(["amtool", "check-config", config], check=True, capture_output=True)
    ran = subprocess.run(
        ["amtool", "config", "routes", "test", f"--config.file={config}", f"severity={severity}"],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    assert ran.stdout.strip() == receiver
