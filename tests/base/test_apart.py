"""Work in a child: its result comes back, its failure is none, and nothing of it stays."""

import sys

from service.base.apart import apart


def test_what_the_work_returns_comes_back() -> None:
    assert apart(lambda: "grüße\n" * 3) == "grüße\n" * 3
    assert apart(lambda: "") == ""


def test_work_that_fails_returns_nothing() -> None:
    def fail() -> str:
        raise ValueError("no")

    assert apart(fail) is None


def test_what_it_imports_and_changes_stays_there() -> None:
    seen: list[str] = []

    def work() -> str:
        import this  # noqa: F401

        seen.append("there")
        return "this" if "this" in sys.modules else ""

    assert apart(work) == "this"
    assert "this" not in sys.modules
    assert seen == []
