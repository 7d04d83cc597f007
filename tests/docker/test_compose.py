"""The compose file: mounts are there, images are pinned, nothing listens to the world."""

import re
import subprocess

import pytest
import yaml

from tests.conftest import ROOT

FOLDER = ROOT / "docker"
COMPOSE = yaml.safe_load((FOLDER / "compose.yaml").read_text())
SERVICES = COMPOSE["services"]


def test_services_in_the_order_of_their_needs() -> None:
    assert list(SERVICES) == ["kerasd", "tensorboard", "alertmanager", "prometheus", "grafana"]
    assert SERVICES["tensorboard"]["image"] == SERVICES["kerasd"]["image"]
    assert SERVICES["kerasd"]["build"]["context"] == ".."
    for service in SERVICES.values():
        for needed in service.get("depends_on", []):
            assert needed in SERVICES


def test_images_are_pinned_to_a_version() -> None:
    images = [one["image"] for one in SERVICES.values() if one["image"] != "kerasd"]
    assert len(images) == 3
    for image in images:
        assert re.search(r":v?\d+\.\d+\.\d+$", image), image


def test_what_is_mounted_is_there() -> None:
    for service in SERVICES.values():
        for mount in service["volumes"]:
            source = mount.split(":")[0]
            if source.startswith("."):
                assert (FOLDER / source).exists(), mount
                assert mount.endswith(":ro"), mount
            elif not source.startswith("${"):
                assert source in COMPOSE["volumes"], mount


def test_ports_are_open_to_this_host_only() -> None:
    for service in SERVICES.values():
        for port in service["ports"]:
            assert port.startswith("127.0.0.1:"), port


def test_every_variable_is_in_the_example() -> None:
    named = set(re.findall(r"\$\{(\w+)", (FOLDER / "compose.yaml").read_text()))
    lines = (FOLDER / ".env.example").read_text().splitlines()
    explained = {line.split("=")[0] for line in lines if line and not line.startswith("#")}
    assert named == explained


def test_prometheus_scrapes_the_service_by_its_name() -> None:
    config = yaml.safe_load((FOLDER / "prometheus" / "prometheus.yml").read_text())
    (job,) = (job for job in config["scrape_configs"] if job["job_name"] == "kerasd")
    assert job["static_configs"] == [{"targets": ["kerasd:8080"]}]
    assert config["alerting"]["alertmanagers"][0]["static_configs"] == [
        {"targets": ["alertmanager:9093"]}
    ]


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
