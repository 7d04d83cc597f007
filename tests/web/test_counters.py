"""What all workers have counted, in this process and over several."""

import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from service.base.metrics import PREDICTIONS
from service.web.counters import Counters

COUNT = "from service.base.metrics import PREDICTIONS as p; p.labels('digits', '1', '7').inc(2)"
READ = """
from service.web.counters import Counters
(family,) = Counters().families(["kerasd_predictions"], "digits")
print([(sample.name, sample.labels, sample.value) for sample in family.samples])
"""
Parse = Callable[[str], Iterable[Metric]]
SAMPLE = "kerasd_predictions_total"


@pytest.mark.parametrize(
    ("accept", "parse"),
    [("text/plain", parse_text), ("application/openmetrics-text", parse_openmetrics)],
    ids=["text", "openmetrics"],
)
def test_a_process_without_files_tells_of_itself(accept: str, parse: Parse) -> None:
    PREDICTIONS.labels(accept, "1", "cat").inc(5)
    encode, content_type = choose_encoder(accept)

    text = Counters().text(encode, "openmetrics" in content_type).decode()

    assert "# EOF" not in text, "what comes after it belongs to the same exposition"
    labels = {"model": accept, "version": "1", "class": "cat"}
    samples = [sample for family in parse(text + "# EOF\n") for sample in family.samples]
    assert [one.value for one in samples if (one.name, one.labels) == (SAMPLE, labels)] == [5.0]


def test_families_are_found_by_their_names() -> None:
    PREDICTIONS.labels("test-families", "1", "cat").inc()

    (family,) = Counters().families(["kerasd_predictions", "nobody_has_that"], "test-families")

    assert family.name == "kerasd_predictions"
    labels = {"model": "test-families", "version": "1", "class": "cat"}
    assert labels in [sample.labels for sample in family.samples]


@pytest.mark.slow
def test_all_workers_are_summed(tmp_path: Path) -> None:
    environment = {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    for _ in range(2):
        subprocess.run([sys.executable, "-c", COUNT], env=environment, check=True)

    told = subprocess.run(
        [sys.executable, "-c", READ], env=environment, check=True, capture_output=True, text=True
    ).stdout

    labels = {"class": "7", "model": "digits", "version": "1"}
    assert told.strip() == str([(SAMPLE, labels, 4.0)])
