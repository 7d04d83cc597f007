"""What this process counts, and where."""

from prometheus_client import generate_latest

from service.base.metrics import PREDICTIONS, REGISTRY, counts_in_files


def test_without_a_folder_a_process_counts_for_itself() -> None:
    assert not counts_in_files()
    PREDICTIONS.labels("test-metrics", "1", "cat").inc(5)

    text = generate_latest(REGISTRY).decode()

    assert 'kerasd_predictions_total{class="cat",model="test-metrics",version="1"} 5.0' in text
