"""What is asked of the command is what is measured."""

import pytest

from benchmarks import workloads
from benchmarks.contestants import Contestant, Kind
from benchmarks.dialects import V1, V2_BINARY
from benchmarks.options import CONTESTANTS, WORKLOADS, choose, read_options
from benchmarks.phase import turned


def test_nothing_asked_is_everything() -> None:
    options = read_options([])

    assert options.only == CONTESTANTS
    assert options.workloads == WORKLOADS


def test_a_part_may_be_asked() -> None:
    options = read_options(["--only", "kerasd,mosec", "--workload", "lstm", "--seconds", "1"])

    assert options.only == ("kerasd", "mosec")
    assert options.workloads == ("lstm-c8", "lstm-c16")


def test_a_whole_name_is_not_a_beginning() -> None:
    assert choose(["256-rows"]) == ("256-rows",)
    assert choose(["256"]) == ("256-rows", "256-rows-binary")


@pytest.mark.parametrize("wrong", [["--only", "nobody"], ["--workload", "x"], ["--rounds", "0"]])
def test_nonsense_is_refused(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        read_options(wrong)

    assert "error:" in capsys.readouterr().err


def test_each_round_is_led_by_another() -> None:
    assert [turned("abc", number)[0] for number in range(4)] == ["a", "b", "c", "a"]


def test_json_stands_in_for_bytes_only_where_it_will_do() -> None:
    mute = Contestant("mute", Kind.PEER, ("none",), json=V1)
    able = Contestant("able", Kind.PEER, ("none",), json=V1, binary=V2_BINARY)

    assert mute.dialect(workloads.IMAGE) is V1
    assert mute.dialect(workloads.BULK_BINARY) is None
    assert able.dialect(workloads.IMAGE) is V2_BINARY
