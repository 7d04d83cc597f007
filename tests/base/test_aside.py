"""What is written aside has another name until it is whole, and goes if it never is."""

from pathlib import Path

import pytest

from service.base.aside import aside, sweep


def test_what_was_renamed_stays(tmp_path: Path) -> None:
    with aside(tmp_path / "file") as partial:
        partial.write_text("whole")
        assert not (tmp_path / "file").exists()
        partial.rename(tmp_path / "file")

    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def die_in(folder: Path, kind: str) -> None:
    with aside(folder / "it") as partial:
        if kind == "file":
            partial.write_text("half")
        else:
            (partial / "deep").mkdir(parents=True)
        raise KeyboardInterrupt


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_what_was_not_goes(tmp_path: Path, kind: str) -> None:
    with pytest.raises(KeyboardInterrupt):
        die_in(tmp_path, kind)

    assert list(tmp_path.iterdir()) == []


def test_each_has_a_name_of_its_own(tmp_path: Path) -> None:
    with aside(tmp_path / "it") as one, aside(tmp_path / "it") as other:
        assert one != other
        assert one.parent == other.parent == tmp_path


def test_what_one_that_was_killed_left_is_swept(tmp_path: Path) -> None:
    (tmp_path / "start.json").write_text("whole")
    for name in ("start.json", "checkpoints/best.weights.h5", "backup/epoch-000002"):
        with aside(tmp_path / name) as partial:
            pass
        partial.parent.mkdir(exist_ok=True)
        if name.startswith("backup"):
            (partial / "deep").mkdir(parents=True)
        else:
            partial.write_text("half")
            partial.with_name(f"{partial.name}.keras").write_text("as Keras' files are made")

    sweep(tmp_path)
    sweep(tmp_path / "nowhere")

    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["start.json"]
    assert list((tmp_path / "backup").iterdir()) == []
