"""Every text of a request counts as a name, however deep it stands."""

from service.jobs.named import texts_in


def test_texts_are_found_wherever_they_stand() -> None:
    request = {"data": {"file": "a.csv", "columns": {"label": ["y", "z"]}}, "n": 1, "x": None}

    assert texts_in(request) == {"a.csv", "y", "z"}
    assert texts_in({}) == set()
