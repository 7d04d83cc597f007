"""What keys mean, and which never become paths."""

import pytest

from service.repository.remote.bucket import Object
from service.repository.remote.tree import Tree, is_safe, read_tree

ANY = Object(10, "tag")


def tree(*keys: str, first: tuple[str, ...] = ()) -> Tree:
    return read_tree(dict.fromkeys(keys, ANY), first)


def test_versions_files_beside_them_and_bare_files() -> None:
    found = tree(
        "digits/1/model.h5", "digits/1/assets/vocabulary.txt", "digits/model.yaml",
        "digits/examples.json", "bare.h5", "flat/model.keras",
    )  # fmt: skip
    assert set(found.versions) == {("digits", 1)}
    assert set(found.versions["digits", 1].objects) == {"model.h5", "assets/vocabulary.txt"}
    assert set(found.loose) == {
        "digits/model.yaml", "digits/examples.json", "bare.h5", "flat/model.keras",
    }  # fmt: skip
    assert found.models() == {"digits", "bare", "flat"}
    assert found.refused == ()


@pytest.mark.parametrize(
    "key",
    ["digits/01/model.h5", "digits/x/model.h5", "digits/0/model.h5", "-m/1/model.h5",
     "README.md", "digits/notes.md", "digits/1", "digits/1/.hidden/model.h5", "digits/1/",
     ".secret/1/model.h5", "digits/9.9/model.h5", "dïgits/1/model.h5"],
)  # fmt: skip
def test_what_is_nothing_of_a_repository_is_left_out(key: str) -> None:
    found = tree(key)
    assert (found.versions, found.loose) == ({}, {})


@pytest.mark.parametrize(
    "key",
    ["m/1/../../etc/passwd", "/m/1/model.h5", "m//1/model.h5", "m/1/a\\b", "m/1/a\nb", "m/1/a\x00",
     "m/1/" + "a" * 256, "m/1/" + "a/" * 600 + "b", "m/1/\ud800", "m/1/a\x7f", "m/1/\u202egp.h5"],
    ids=ascii,
)  # fmt: skip
def test_keys_that_would_be_dangerous_as_paths_are_refused(key: str) -> None:
    assert not is_safe(key)
    assert tree(key, "m/1/model.h5").versions["m", 1].objects.keys() == {"model.h5"}


def test_a_file_that_is_a_folder_too_is_no_file() -> None:
    found = tree("m/1/a", "m/1/a/b", "m/1/model.h5")
    assert found.versions["m", 1].objects.keys() == {"a/b", "model.h5"}
    assert found.refused == ("m/1/a",)


def test_of_two_that_differ_by_case_only_the_one_that_was_first_stays() -> None:
    keys = ("Digits/1/model.h5", "digits/1/model.h5")
    assert set(tree(*keys).versions) == {("Digits", 1)}
    newer = tree(*keys, first=("digits/1/model.h5",))
    assert set(newer.versions) == {("digits", 1)}
    assert newer.refused == ("Digits/1/model.h5",)


@pytest.mark.parametrize(
    "junk",
    ["DIGITS/readme.txt", "DIGITS/1/x\\y", "DIGITS/1", "DIGITS/1/.hidden", "DIGITS/1/",
     "digits/1/model.h5/", "digits/1", "digits/x", "digits/1/MODEL.H5/.keep"],
)  # fmt: skip
def test_what_means_nothing_takes_no_name_from_a_model(junk: str) -> None:
    found = tree(junk, "digits/1/model.h5", "digits/2/model.h5", "digits/model.yaml")
    assert set(found.versions) == {("digits", 1), ("digits", 2)}
    assert set(found.loose) == {"digits/model.yaml"}


def test_one_that_is_refused_takes_no_name_either() -> None:
    found = tree("M/1/A", "m/1/a", "m/1/b", "m/2/a", first=("M/1/A",))
    assert found.refused == ("m/1/a", "m/1/b", "m/2/a")
    found = tree("m/1/Ab", "m/1/aB/x", "m/1/aB/y", "m/1/a/x", "m/1/a")
    assert found.refused == ("m/1/a", "m/1/aB/x", "m/1/aB/y")


def test_versions_whose_keys_are_refused_are_there_all_the_same() -> None:
    """So nobody takes them for deleted, who has them from before."""
    found = tree("Digits/1/model.h5", "digits/1/model.h5", "digits/2/a\\b", "flat/a\\b", "FLAT.h5",
                 "flat.h5", "m/1/claim.json")  # fmt: skip
    assert set(found.versions) == {("Digits", 1), ("m", 1)}
    assert {("Digits", 1), ("digits", 1), ("digits", 2), ("FLAT", 1), ("flat", 1)} == found.served()


def test_a_claim_hides_a_version_until_its_manifest_is_there() -> None:
    assert tree("m/1/claim.json", "m/1/model.h5").versions["m", 1].is_claimed
    whole = tree("m/1/claim.json", "m/1/model.h5", "m/1/manifest.json").versions["m", 1]
    assert whole.is_published
    assert not whole.is_claimed


def test_versions_have_limits() -> None:
    many = {f"m/1/{n}": ANY for n in range(1001)}
    assert "more than 1000 files" in read_tree(many).versions["m", 1].problem
    large = {"m/1/model.h5": Object(17 * 1024**3, "t"), "m/model.yaml": Object(5 * 1024**2, "t")}
    assert "larger than 16 GiB" in read_tree(large).versions["m", 1].problem
    assert read_tree(large).loose == {}
