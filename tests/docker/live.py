"""Runs every panel's query and every rule against a running service; tells which have no data.

`python -m tests.docker.live http://127.0.0.1:8080 [address of another replica ...]` starts a
Prometheus of its own on a loopback port, with the committed configuration and rules, scraping
each second.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
import yaml

from tests.docker import rules
from tests.docker.panels import queries
from tests.running import free_port, wait_until

SCRAPE = "1s"
RECENTLY_DOWN = 'min_over_time(up{job="kerasd"}[3s]) < 1'
GAP_S = 30.0


@dataclass(frozen=True, slots=True)
class Silent:
    """A query without data, or with an error; `may_be_empty` if its panel says when."""

    where: str
    query: str
    why: str
    may_be_empty: bool = False


class PrivatePrometheus:
    """A server that scrapes these addresses by the committed configuration, each second."""

    def __init__(self, folder: Path, addresses: Sequence[str], key: str = "") -> None:
        self._port = free_port()
        config = _adapt(folder, addresses, key)
        with (folder / "prometheus.log").open("wb") as log:
            self._process = subprocess.Popen(
                [
                    "prometheus",
                    f"--config.file={config}",
                    f"--storage.tsdb.path={folder / 'data'}",
                    f"--web.listen-address=127.0.0.1:{self._port}",
                    "--log.level=warn",
                ],
                stdout=log, stderr=log,
            )  # fmt: skip

    def wait_scraped(self) -> None:
        """Until each address has answered, and each rule was evaluated since."""
        wait_until(self._is_up, "Prometheus answers", 30)
        wait_until(
            lambda: not self._ask('up{job="kerasd"} != 1') and bool(self._ask("up")), "up", 60
        )

    def query(self, expression: str) -> list[dict[str, Any]]:
        """The series that an instant query has; an error of it is raised with its text.

        A scrape that takes longer than its second leaves a gap until the next one: an answer
        without series is believed only where none has failed just before.
        """
        deadline = time.monotonic() + GAP_S
        while not (found := self._ask(expression)) and time.monotonic() < deadline:
            if not self.was_down():
                break
            time.sleep(0.2)
        return found

    def _ask(self, expression: str) -> list[dict[str, Any]]:
        found = requests.get(
            f"http://127.0.0.1:{self._port}/api/v1/query",
            params={"query": expression},
            timeout=30,
        ).json()
        if found["status"] != "success":
            raise ValueError(found["error"])
        return list(found["data"]["result"])

    def was_down(self) -> bool:
        """Whether one of the last scrapes failed."""
        return bool(self._ask(RECENTLY_DOWN))

    def value(self, expression: str) -> float:
        """The number of a query that has one series."""
        (series,) = self.query(expression)
        return float(series["value"][1])

    def firing(self) -> set[str]:
        """Names of the alerts that fire."""
        return {
            series["metric"]["alertname"] for series in self.query('ALERTS{alertstate="firing"}')
        }

    def unhealthy_rules(self) -> list[str]:
        """Rules whose evaluation failed, or that were never evaluated."""
        found = requests.get(f"http://127.0.0.1:{self._port}/api/v1/rules", timeout=30).json()
        return [
            f"{rule['name']}: {rule['health']} {rule.get('lastError', '')}"
            for group in found["data"]["groups"]
            for rule in group["rules"]
            if rule["health"] != "ok"
        ]

    def stop(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait(30)

    def _is_up(self) -> bool:
        assert self._process.poll() is None, "Prometheus ended; see its log"
        try:
            return (
                requests.get(f"http://127.0.0.1:{self._port}/-/ready", timeout=5).status_code == 200
            )
        except requests.ConnectionError:
            return False


@contextmanager
def scraping(addresses: Sequence[str], key: str = "") -> Iterator[PrivatePrometheus]:
    """A Prometheus that is ended, and whose data is removed, whatever happens."""
    folder = Path(tempfile.mkdtemp(prefix="kerasd-prometheus-"))
    server = PrivatePrometheus(folder, addresses, key)
    try:
        server.wait_scraped()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder)


def silent_panels(server: PrivatePrometheus, *dashboards: str) -> list[Silent]:
    """Queries of panels that have no data; of these dashboards, or of all."""
    return [
        Silent(f"{query.dashboard}: {query.panel}", query.for_everything, why, query.may_be_empty)
        for query in queries(*dashboards)
        if (why := _why_silent(server, query.for_everything))
    ]


def silent_rules(server: PrivatePrometheus, *groups: str) -> list[Silent]:
    """Recording rules of these groups, or of all, that have no data; any rule that fails."""
    chosen = [
        rule for name, of in rules.groups().items() if not groups or name in groups for rule in of
    ]
    found = [
        Silent(rule.group, rule.name, why)
        for rule in chosen
        if not rule.is_alert and (why := _why_silent(server, rule.name))
    ]
    return found + [Silent("rules", text, "unhealthy") for text in server.unhealthy_rules()]


def _why_silent(server: PrivatePrometheus, expression: str) -> str:
    try:
        found = server.query(expression)
    except ValueError as error:
        return str(error)
    if not found:
        return "no data"
    return "no number" if all(series["value"][1] == "NaN" for series in found) else ""


def _adapt(folder: Path, addresses: Sequence[str], key: str) -> Path:
    """The committed configuration, quick, for these addresses; alerts need not last to fire."""
    config = yaml.safe_load((rules.FOLDER / "prometheus.yml").read_text())
    (scrape,) = (job for job in config["scrape_configs"] if job["job_name"] == "kerasd")
    del scrape["file_sd_configs"]
    scrape["static_configs"] = [{"targets": [urlsplit(address).netloc for address in addresses]}]
    scrape["authorization"] = {"credentials": key or "none"}
    config["scrape_configs"] = [scrape]
    config["global"] = {
        "scrape_interval": SCRAPE, "scrape_timeout": SCRAPE, "evaluation_interval": SCRAPE,
    }  # fmt: skip
    del config["alerting"]
    (folder / "rules").mkdir()
    for path in rules.RULE_FILES:
        content = yaml.safe_load(path.read_text())
        for group in content["groups"]:
            group.pop("interval", None)
            for rule in group["rules"]:
                rule.pop("for", None)
        (folder / "rules" / path.name).write_text(yaml.safe_dump(content))
    written = folder / "prometheus.yml"
    written.write_text(yaml.safe_dump(config))
    return written


def main() -> None:
    """Look at a service for a while; exit code 1 if a panel that must have data has none."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("addresses", nargs="+")
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--key", default="")
    asked = parser.parse_args()
    with scraping(asked.addresses, asked.key) as server:
        time.sleep(asked.seconds)
        found = silent_panels(server) + silent_rules(server)
    for silent in found:
        print("may be" if silent.may_be_empty else "SILENT", silent.where, silent.query, silent.why)
    sys.exit(any(not silent.may_be_empty for silent in found))


if __name__ == "__main__":
    main()
