"""The file of keys: what it holds, how it is replaced, and which ones are refused."""

import os
import stat
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest

from service.base.errors import KeysRefused
from service.base.key_changes import Grant, add_key, revoke_key, rotate_key
from service.base.key_file import KeyRecord, change_keys, read_keys
from service.base.key_text import make_key
from service.base.roles import Role

NOW = datetime(2030, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
Keys = tuple[KeyRecord, ...]


def given(name: str = "ci", *roles: str, known: Keys = ()) -> Keys:
    return add_key(known, Grant(name, roles or ("predict",)), make_key(), NOW)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file with one key."""
    place = tmp_path / "keys.json"
    change_keys(place, lambda _: given())
    return place


class TestFile:
    def test_what_is_written_is_read_and_nobody_else_may_read_it(self, path: Path) -> None:
        assert [key.name for key in read_keys(path)] == ["ci"]
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert sorted(p.name for p in path.parent.iterdir()) == ["keys.json", "keys.json.lock"]

    def test_it_holds_no_secret(self, path: Path) -> None:
        new = make_key()
        change_keys(path, lambda known: add_key(known, Grant("b", ("read",)), new, NOW))

        assert new.text[-43:] not in path.read_text()
        assert new.sha256 in path.read_text()

    def test_changes_at_the_same_time_are_all_made(self, path: Path) -> None:
        def add(number: int) -> None:
            change_keys(path, lambda known: given(f"k{number}", known=known))

        threads = [threading.Thread(target=add, args=(n,)) for n in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert len(read_keys(path)) == 21

    def test_a_change_that_fails_leaves_the_file(self, path: Path) -> None:
        before = path.read_bytes()

        with pytest.raises(KeysRefused, match="already"):
            change_keys(path, lambda known: given(known=known))

        assert path.read_bytes() == before

    def test_every_role_can_be_given_and_is_written_as_its_word(self, path: Path) -> None:
        words = ["admin", "feedback", "metrics", "predict", "read", "train"]

        change_keys(path, lambda known: given("all", *words, known=known))

        assert sorted(Role) == words
        assert orjson.loads(path.read_bytes())["keys"][-1]["roles"] == words
        assert read_keys(path)[-1].roles == tuple(Role(word) for word in words)


def test_the_lock_belongs_to_whose_service_reads_the_file(tmp_path: Path) -> None:
    """Or `kerasd keys`, run as root once, would keep that user from making keys."""
    if os.geteuid() == 0:
        os.chown(tmp_path, 12345, 12345)

    change_keys(tmp_path / "keys.json", lambda known: known)

    owner = tmp_path.stat().st_uid
    assert [path.stat().st_uid for path in sorted(tmp_path.iterdir())] == [owner, owner]


class TestRefused:
    @pytest.mark.parametrize("mode", [0o620, 0o602, 0o666], ids=oct)
    def test_a_file_that_others_may_write(self, path: Path, mode: int) -> None:
        path.chmod(mode)

        with pytest.raises(KeysRefused, match="chmod 600"):
            read_keys(path)

    def test_a_file_of_another_user(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        if os.geteuid() == 0:
            os.chown(path, 12345, 12345)
        else:
            monkeypatch.setattr(os, "geteuid", lambda: 12345)

        with pytest.raises(KeysRefused, match="another user"):
            read_keys(path)

    def test_a_link_that_leads_out(self, path: Path) -> None:
        folder = path.parent / "in"
        folder.mkdir()
        (folder / "keys.json").symlink_to(path)

        with pytest.raises(KeysRefused, match="leads out"):
            read_keys(folder / "keys.json")

    def test_a_link_to_itself(self, tmp_path: Path) -> None:
        path = tmp_path / "keys.json"
        path.symlink_to(path)

        for use in (read_keys, lambda path: change_keys(path, lambda known: known)):
            with pytest.raises(KeysRefused, match="leads to itself"):
                use(path)

    def test_no_regular_file(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "pipe", 0o600)

        with pytest.raises(KeysRefused, match="regular"):
            read_keys(tmp_path / "pipe")

    def test_a_missing_file(self, tmp_path: Path) -> None:
        with pytest.raises(KeysRefused, match="No such file"):
            read_keys(tmp_path / "keys.json")

    @pytest.mark.parametrize(
        ("change", "where"),
        [
            ({"name": "ключ"}, "keys.0.name"),
            ({"name": "controller"}, "keys.0.name"),
            ({"roles": []}, "keys.0.roles"),
            ({"roles": ["boss"]}, "keys.0.roles.0"),
            ({"models": ["../x"]}, "keys.0.models.0"),
            ({"rate": "often"}, "keys.0.rate"),
            ({"sha256": "secret-that-is-not-shown"}, "keys.0.sha256"),
            ({"created": "2030-01-01T00:00:00"}, "keys.0.created"),
            ({"surprise": 1}, "keys.0.surprise"),
        ],
        ids=["name", "taken", "no_roles", "role", "model", "rate", "digest", "no_zone", "unknown"],
    )
    def test_content_that_is_wrong_is_named_and_not_shown(
        self, path: Path, change: dict[str, object], where: str
    ) -> None:
        content = orjson.loads(path.read_bytes())
        content["keys"][0] |= change
        path.write_bytes(orjson.dumps(content))

        with pytest.raises(KeysRefused, match=where) as refused:
            read_keys(path)

        assert "secret-that-is-not-shown" not in str(refused.value)

    def test_one_id_twice(self, path: Path) -> None:
        content = orjson.loads(path.read_bytes())
        content["keys"] *= 2
        path.write_bytes(orjson.dumps(content))

        with pytest.raises(KeysRefused, match="same id"):
            read_keys(path)


def test_a_link_that_stays_inside_is_how_secrets_are_mounted(path: Path) -> None:
    (path.parent / "..data").mkdir()
    path.rename(path.parent / "..data" / "keys.json")
    path.symlink_to("..data/keys.json")

    assert len(read_keys(path)) == 1


class TestChanges:
    def test_a_name_has_one_good_key(self) -> None:
        known = given()

        with pytest.raises(KeysRefused, match="rotate ci"):
            given(known=known)
        assert len(given(known=revoke_key(known, "ci", NOW))) == 2

    @pytest.mark.parametrize(
        "grant",
        [Grant("a/b", ("read",)), Grant("a", ("boss",)), Grant("a", ()),
         Grant("a", ("read",), rate="9"), Grant("a", ("read",), models=("ä",))],
        ids=["name", "role", "none", "rate", "model"],
    )  # fmt: skip
    def test_a_wrong_grant_is_refused(self, grant: Grant) -> None:
        with pytest.raises(KeysRefused, match="of the key"):
            add_key((), grant, make_key(), NOW)

    def test_rotation_ends_the_old_key_at_once_or_after_its_grace(self) -> None:
        old = given()

        at_once = rotate_key(old, "ci", make_key(), NOW, timedelta())
        later = rotate_key(old, "ci", make_key(), NOW, HOUR)

        assert [key.is_good(NOW) for key in at_once] == [False, True]
        assert [key.is_good(NOW) for key in later] == [True, True]
        assert [key.is_good(NOW + HOUR) for key in later] == [False, True]
        assert later[0].roles == later[1].roles
        assert later[0].sha256 != later[1].sha256

    def test_revoking_takes_all_of_a_name(self) -> None:
        known = rotate_key(given(), "ci", make_key(), NOW, HOUR)

        assert not any(key.is_good(NOW) for key in revoke_key(known, "ci", NOW))

    def test_what_is_not_there_is_not_revoked(self) -> None:
        with pytest.raises(KeysRefused, match="no good key 'x'"):
            revoke_key(given(), "x", NOW)
