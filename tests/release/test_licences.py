"""What the images hold is known, allowed, and written down as it is."""

import pytest

from release.allowed import refusal
from release.licences import carried, page, refusals
from release.spdx import READ, expression
from release.targets import (
    ROOT,
    TARGETS,
    NotInstalled,
    canonical,
    extras,
    installed,
    lock,
    packages,
)


def test_every_licence_is_known_and_allowed() -> None:
    assert refusals() == []


def test_the_page_is_what_is_installed() -> None:
    assert (ROOT / "docs" / "licences.md").read_text() == page(), "run make licences"


def test_what_is_installed_here_is_what_the_lock_says() -> None:
    here = lock({})
    for target in TARGETS:
        for name in packages(target):
            assert installed(name).version == here[name], name


def test_the_targets_are_the_extras_of_the_dockerfile() -> None:
    assert set(extras("full")) - set(extras("serve")) == {"train"}
    assert {"postgres", "oidc", "otel"} <= set(extras("serve"))
    assert "dev" not in extras("full")


def test_the_image_that_serves_has_no_tensorflow_and_none_has_tools_of_tests() -> None:
    heavy = {"tensorflow-cpu", "keras", "tf-keras", "tf2onnx", "tensorboard", "pyarrow"}
    serve, full = packages("serve").keys(), packages("full").keys()
    assert not heavy & serve
    assert heavy | serve <= full
    assert not {"pytest", "mypy", "ruff", "codespell", "hypothesis"} & full


@pytest.mark.parametrize("expression", [
    "MIT", "apache-2.0", "GPL-3.0-only OR MIT", "MIT AND (GPL-2.0-only OR BSD-3-Clause)",
    "Apache-2.0 WITH LLVM-exception", "MPL-2.0 AND (Apache-2.0 OR MIT)", "LGPL-3.0-only",
])  # fmt: skip
def test_allowed(expression: str) -> None:
    assert refusal(expression) == ""


@pytest.mark.parametrize("expression", [
    "GPL-3.0-only", "AGPL-3.0-or-later", "MIT AND GPL-2.0-only", "GPL-2.0-only OR AGPL-3.0-only",
    "GPL-2.0-only WITH Classpath-exception-2.0", "(MIT OR ISC) AND (AGPL-3.0-only)",
])  # fmt: skip
def test_not_allowed(expression: str) -> None:
    assert "is not in the list of allowed licences" in refusal(expression)


def test_and_binds_more_than_or() -> None:
    assert refusal("MIT OR ISC AND GPL-2.0-only") == ""
    assert refusal("(MIT OR ISC) AND GPL-2.0-only") != ""


def test_an_unknown_licence_is_no_licence() -> None:
    assert refusal("") == "its licence is not known"


def test_what_was_read_is_of_packages_of_the_lock() -> None:
    assert READ.keys() <= lock().keys()


def test_a_development_tool_under_the_gpl_would_be_refused() -> None:
    assert refusal(expression(installed("codespell"))) != ""


def test_what_wheels_carry_is_found() -> None:
    assert "libpq" in carried(installed("psycopg-binary"))[0]
    assert carried(installed("onnxruntime"))[1] == ["onnxruntime/ThirdPartyNotices.txt"]


def test_a_package_that_is_not_installed_is_named() -> None:
    with pytest.raises(NotInstalled, match="no-such-thing is not installed; run make install"):
        installed("no-such-thing")


def test_names_are_compared_as_indexes_write_them() -> None:
    assert canonical("Flask_Thing.x") == "flask-thing-x"
