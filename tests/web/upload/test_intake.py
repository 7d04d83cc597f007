"""What is decided by an upload's head at once, and what is left to the thread of its body."""

from collections.abc import Callable
from pathlib import Path

import pytest

from service.base.errors import KerasdError, Overloaded
from service.base.http_errors import Conflict, Forbidden, StorageFull, UploadTooLarge
from service.base.settings import Settings
from service.web.upload.intake import AT_ONCE, Intake
from service.web.upload.receiver import Receiver

PATH = "/v1/models/m/versions"
TOO_MUCH = 1024**5


def intake(folder: Path, **more: object) -> Intake:
    return Intake(Settings(repository=folder / "repository", state_dir=folder, **more))  # type: ignore[arg-type]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "repository" / "m").mkdir(parents=True)
    (tmp_path / "repository" / "m" / "model.h5").write_bytes(b"x")
    return tmp_path


def length(size: int) -> dict[str, str]:
    return {"content-length": str(size)}


@pytest.mark.parametrize(
    ("settings", "size", "refusal"),
    [({"model_control": False}, 1, Forbidden), ({"max_upload_mb": 1}, 2 * 1024**2, UploadTooLarge)],
    ids=["switched off", "large"],
)
def test_the_head_alone_refuses(
    place: Path, settings: dict[str, object], size: int, refusal: type[KerasdError]
) -> None:
    with pytest.raises(refusal):
        intake(place, **settings).begin(PATH, "", length(size))


def test_few_at_once_and_each_gives_its_place_back(place: Path) -> None:
    desk = intake(place)
    taken: list[Receiver] = [desk.begin(PATH, "", {}) for _ in range(AT_ONCE)]
    with pytest.raises(Overloaded):
        desk.begin(PATH, "", {})
    taken[0].close()
    desk.begin(PATH, "", {}).close()


@pytest.mark.parametrize(
    "go_on",
    [Receiver.begin, lambda receiver: receiver.write([b"x"])],
    ids=["before the body", "with it"],
)
@pytest.mark.parametrize(
    ("model", "size", "refusal"),
    [("M", 1, Conflict), ("m", TOO_MUCH, StorageFull)],
    ids=["repository", "disk"],
)
def test_what_needs_a_look_at_disks_waits_for_the_thread(
    place: Path,
    model: str,
    size: int,
    refusal: type[KerasdError],
    go_on: Callable[[Receiver], object],
) -> None:
    """The loop only makes the receiver: a repository on a slow disk must not hold up others."""
    desk = intake(place, max_upload_mb=TOO_MUCH // 1024**2)
    receiver = desk.begin(f"/v1/models/{model}/versions", "", length(size))
    with pytest.raises(refusal):
        go_on(receiver)
    assert not (place / "incoming").exists()
    receiver.close()


def test_what_a_killed_worker_left_keeps_nobody_out(place: Path) -> None:
    """It is in the way where there is no room: then it goes before the upload is refused."""
    left = place / "incoming" / "upload-left"
    left.mkdir(parents=True)
    receiver = intake(place, max_upload_mb=TOO_MUCH // 1024**2).begin(PATH, "", length(TOO_MUCH))
    with pytest.raises(StorageFull):
        receiver.begin()
    assert not left.exists()
    receiver.close()
