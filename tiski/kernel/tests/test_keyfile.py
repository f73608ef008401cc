"""The file from which every key is derived."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from tiski.kernel import keyfile
from tiski.kernel.keyfile import KeyFileProblem, MasterKey

GOOD = "mQ4-s8Wz_7YtR2pLx0VbNc5Kd9HgJf3Ae6Ui1Oo"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "secret.key"


def test_the_key_file_is_made_on_first_use_for_its_owner_alone(path: Path) -> None:
    (key,) = keyfile.load(path)

    assert path.stat().st_mode & 0o777 == 0o600
    assert len(path.read_text().strip()) == 64
    assert len(key.material) == 32
    assert list(path.parent.iterdir()) == [path]
    keyfile.load.cache_clear()
    assert keyfile.load(path) == (key,)


def test_processes_that_start_together_agree_on_one_key(path: Path) -> None:
    found: list[MasterKey] = []

    def start() -> None:
        found.extend(keyfile.load.__wrapped__(path))

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(found) == 8
    assert len(set(found)) == 1


def test_a_new_key_comes_first_and_the_old_one_stays(path: Path) -> None:
    (old,) = keyfile.load(path)
    django_before = keyfile.text(path)

    new = keyfile.add(path)

    assert keyfile.load(path) == (new, old)
    assert path.stat().st_mode & 0o777 == 0o600
    assert keyfile.text(path) != django_before
    assert keyfile.older_texts(path) == [django_before]


def test_purposes_get_different_keys(path: Path) -> None:
    (key,) = keyfile.load(path)

    assert keyfile.derive(key, "django") != keyfile.derive(key, "wrap")
    assert keyfile.derive(key, "django") == keyfile.derive(key, "django")
    assert len(keyfile.derive(key, "wrap", 16)) == 16


def test_a_platform_may_hand_the_key_in(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TISKI_SECRET_KEY", GOOD)
    (by_value,) = keyfile.load.__wrapped__(path)
    monkeypatch.delenv("TISKI_SECRET_KEY")
    (tmp_path / "mounted").write_text(f"{GOOD}\n")
    monkeypatch.setenv("TISKI_SECRET_KEY_FILE", str(tmp_path / "mounted"))
    (by_file,) = keyfile.load.__wrapped__(path)

    assert by_value == by_file
    assert not path.exists()
    with pytest.raises(KeyFileProblem, match="first line by hand"):
        keyfile.add(path)


@pytest.mark.parametrize("weak", ["changeme", "a" * 64, "secret" * 10])
def test_a84_a_weak_key_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch, weak: str) -> None:
    monkeypatch.setenv("TISKI_SECRET_KEY", weak)

    with pytest.raises(KeyFileProblem, match="32 random characters"):
        keyfile.load.__wrapped__(path)


def test_a_damaged_or_empty_file_is_never_replaced_silently(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"")
    with pytest.raises(KeyFileProblem, match="holds no key"):
        keyfile.load.__wrapped__(path)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(KeyFileProblem, match="not a key file"):
        keyfile.load.__wrapped__(path)

    assert path.read_bytes() == b"\xff\xfe\x00"


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file where the folder should be")

    with pytest.raises(KeyFileProblem, match=r"secret\.key cannot be made"):
        keyfile.load.__wrapped__(tmp_path / "data" / "secret.key")


def test_a_key_is_not_shown_by_accident(path: Path) -> None:
    (key,) = keyfile.load(path)

    assert repr(key) == f"MasterKey({key.id})"
    assert key.material.hex() not in repr((key, [key]))


def test_a_file_that_others_may_read_is_noticed(path: Path) -> None:
    keyfile.load(path)
    assert keyfile.problem_with_mode(path) is None
    path.chmod(0o640)
    assert keyfile.problem_with_mode(path) == "0640"
