"""The disk full while versions are compiled, published, uploaded, and requests counted."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest
import requests

from benchmarks.scaled import Scaled
from tests.chaos.figures import Figures, figures_of
from tests.chaos.house import House, Operator, served, wait_state
from tests.chaos.load import Load, Question
from tests.chaos.medium import small_disk
from tests.chaos.seen import Published
from tests.chaos.verdict import failures, recovered_s, wrong
from tests.running import RunningService, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

SIZE_MB = 48
# So much is left when a version appears: nothing, something for its task, nearly enough.
LEFT = (0, 40 * 1024)
FULL_S = 5.0
FIRST_NEW = 3


def test_compiling_and_publishing_wait_for_room(
    scaled: Scaled, tmp_path: Path, tell: Callable[[Figures], None]
) -> None:
    """Everything that the service writes lies on the disk: database, metrics, compiled files."""
    with small_disk(tmp_path / "state", SIZE_MB) as disk:
        (tmp_path / "repository").mkdir()
        house = House(scaled, tmp_path / "repository", tmp_path / "state")
        house.furnish({"m": {1: 10, 2: 20}})
        with served(house) as service, Load(service.port, [Question("m")]) as load:
            load.wait_for(200)
            began = time.monotonic()
            workers = service.workers()
            waits = []
            for version, left in enumerate(LEFT, FIRST_NEW):
                disk.fill(left)
                house.publish("m", version, version * 10, is_compiled=False)
                time.sleep(FULL_S)
                load.wait_for(100)
                disk.empty()
                emptied = time.monotonic()
                wait_state(service, "m", version, "READY")
                waits.append(time.monotonic() - emptied)
            alive = service.workers() == workers
            highest = FIRST_NEW + len(LEFT) - 1
            wait_until(lambda: Operator(service).current("m") == highest, "the last version", 30)
            left_over = sorted(path.name for path in (house.state_dir / "run/children").glob("*"))
        errors = wrong(load.seen, house.published)
        tell(
            figures_of(
                "disk full while compiling", load.seen, len(errors),
                recovered_s(load.seen, began),
                ready_after_room=", ".join(f"{wait:.1f} s" for wait in waits),
                workers_lived=alive,
            )
        )  # fmt: skip
        assert errors == []
        assert failures(load.seen) == {}
        assert alive
        assert left_over == []


def test_an_upload_is_kept_whole_or_not_at_all(
    scaled: Scaled, tmp_path: Path, tell: Callable[[Figures], None]
) -> None:
    """The repository lies on the disk."""
    with small_disk(tmp_path / "disk", SIZE_MB) as disk:
        house = House(scaled, disk.folder / "repository", tmp_path / "state")
        house.repository.mkdir()
        house.furnish({"m": {1: 10}})
        house.scaled.give(house.state_dir, 20)
        with served(house) as service, Load(service.port, [Question("m")]) as load:
            load.wait_for(100)
            disk.fill(len(scaled.file(20).read_bytes()) // 2)
            began = time.monotonic()
            refused = upload(service, scaled.file(20))
            left_over = files_below(house.repository / "m")
            load.wait_for(100)
            disk.empty()
            house.published.append(Published("m", 2, 20, since=time.monotonic()))
            taken = upload(service, scaled.file(20))
            wait_until(lambda: Operator(service).current("m") == 2, "the upload answers", 30)
        errors = wrong(load.seen, house.published)
        tell(
            figures_of(
                "disk full while uploading", load.seen, len(errors),
                recovered_s(load.seen, began), upload=f"{refused.status_code}",
                then=f"{taken.status_code}",
            )
        )  # fmt: skip
        assert errors == []
        assert failures(load.seen) == {}
        assert refused.status_code == 507, refused.text
        assert left_over == {"1/model.h5"}
        assert taken.status_code in (201, 202), taken.text


def upload(service: RunningService, file: Path) -> requests.Response:
    """Publish a file as the model's second version."""
    url = f"{service.url}/v1/models/m/versions?version=2&filename=model.h5"
    return requests.post(url, data=file.read_bytes(), timeout=60)


def files_below(folder: Path) -> set[str]:
    """Every file there is, hidden ones included, but for the manifest of what was published."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
