"""What keeps Tiski from starting, each with its remedy."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.utils import translation
from pytest_django.fixtures import Settings

import tiski
from tiski.kernel import checks, keyfile
from tiski.kernel.checks import Problem, configuration, database, versions
from tiski.kernel.models import ShopKey
from tiski.kernel.secrets import seal

pytestmark = pytest.mark.django_db
CURRENT = {"django": "5.2.19", **{name: ".".join(map(str, floor)) for name, floor in versions.FLOORS.items()}}


@pytest.fixture(autouse=True)
def in_english() -> Iterator[None]:
    with translation.override("en"):
        yield


def said(problems: Iterator[Problem]) -> list[str]:
    return [str(problem) for problem in problems]


def test_this_installation_may_start() -> None:
    if connection.vendor == "sqlite":
        assert checks.run() == []
        assert checks.before_migrating() == []


def test_every_problem_is_two_whole_sentences(settings: Settings, tmp_path: Path) -> None:
    settings.DEBUG, settings.TISKI_HOST, settings.TISKI_BASE_URL = True, "0.0.0.0", "http://desk.example.com"
    settings.TISKI_DATA = tmp_path / "missing"
    problems = checks.run(deploy=True)

    assert len(problems) >= 3
    for problem in problems:
        assert problem.what.endswith(".")
        assert problem.remedy.endswith(".")


def test_an_old_python_is_refused() -> None:
    (problem,) = versions.python((3, 11, 1))

    assert problem.what == "Python 3.11.1 is too old."
    assert problem.remedy == "Install Python 3.11.2 or newer and make the environment again with `make install`."
    assert said(versions.python((3, 11, 2))) == []


def test_another_python_than_was_tested_is_worth_a_line_only() -> None:
    assert "runs on 3.13.1" in said(versions.release_python((3, 13, 1)))[0]
    assert said(versions.release_python((3, 11, 9))) == []


@pytest.mark.parametrize("old", ["3.40.1", "3.51.1", "3.51.2", "3.7.0"])
def test_a84_an_sqlite_that_can_damage_the_database_is_refused(old: str) -> None:
    (problem,) = versions.sqlite(tuple(int(part) for part in old.split(".")))

    assert problem.what == f"SQLite {old} can damage the database when several processes use it."
    assert "make install" in problem.remedy
    assert "3.51.3" in problem.remedy
    assert "Nothing was opened" in problem.remedy


def test_the_sqlite_that_django_uses_is_new_enough() -> None:
    assert said(versions.sqlite()) == []
    assert said(versions.sqlite((3, 51, 3))) == []


@pytest.mark.parametrize("version", ["5.2.18", "5.1.9", "5.3.0", "6.0", "4.2.30", ""])
def test_a84_a_django_with_known_faults_or_never_tried_is_refused(version: str) -> None:
    (problem,) = versions.libraries({**CURRENT, "django": version})

    assert problem.what.startswith("Django is at version ")
    assert "5.2.19" in problem.remedy


def test_libraries_below_their_floor_are_named() -> None:
    found = said(versions.libraries({**CURRENT, "pillow": "9.5.0", "nh3": "", "jinja2": "3.1.10"}))

    assert [sentence.split(",")[0] for sentence in found] == [
        "nh3 is at version missing",
        "pillow is at version 9.5.0",
    ]
    assert said(versions.libraries()) == []


def test_a84_a_default_or_short_secret_key_is_refused(settings: Settings) -> None:
    for weak in ("django-insecure-" + "x" * 50, "changeme"):
        settings.SECRET_KEY = weak
        assert len(said(configuration.secret_key())) == 1


def test_a_key_file_that_others_can_read_is_refused(settings: Settings, tmp_path: Path) -> None:
    settings.TISKI_KEY_FILE = tmp_path / "secret.key"
    keyfile.load(settings.TISKI_KEY_FILE)
    assert said(configuration.secret_key()) == []
    settings.TISKI_KEY_FILE.chmod(0o644)

    (problem,) = configuration.secret_key()
    assert problem.what == f"Others on this machine can read the key file {tmp_path}/secret.key (mode 0644)."
    assert problem.remedy == f"Run `chmod 600 {tmp_path}/secret.key`."


@pytest.mark.parametrize(
    ("host", "refused"), [("127.0.0.1", 0), ("localhost", 0), ("::1", 0), ("0.0.0.0", 1), ("desk.example.com", 1)]
)
def test_a84_debug_stays_on_this_machine(settings: Settings, host: str, refused: int) -> None:
    settings.DEBUG, settings.TISKI_HOST = True, host

    assert len(said(configuration.debug())) == refused


@pytest.mark.parametrize(
    ("url", "refused"),
    [
        ("http://localhost:8000", 0),
        ("http://127.0.0.1", 0),
        ("http://[::1]:8000", 0),
        ("http://tee.localhost", 0),
        ("https://desk.example.com", 0),
        ("http://desk.example.com", 1),
        ("http://192.168.1.5:8000", 1),
        ("", 1),
        ("desk.example.com", 1),
        ("ftp://desk.example.com", 1),
        ("https://", 1),
    ],
)
def test_a42_links_are_built_from_one_safe_address(settings: Settings, url: str, refused: int) -> None:
    settings.TISKI_BASE_URL = url

    assert len(said(configuration.addresses())) == refused


def test_no_host_is_accepted_blindly(settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["*"]

    assert said(configuration.addresses()) == [
        "Every host name is accepted. Name the hosts in ALLOWED_HOSTS; `*` is not allowed."
    ]


def test_networks_must_be_networks_and_not_the_whole_internet(settings: Settings) -> None:
    settings.TISKI_ALLOW_NETWORKS = ["10.0.5.0/24", "fd00::/16", "192.168.1.7", "tea", "0.0.0.0/0"]
    settings.TISKI_TRUSTED_PROXIES = ["::/0", "127.0.0.1"]

    assert [sentence.split(",")[0] for sentence in said(configuration.networks())] == [
        "TISKI_ALLOW_NETWORKS holds tea",
        "TISKI_ALLOW_NETWORKS holds 0.0.0.0/0",
        "TISKI_TRUSTED_PROXIES holds ::/0",
    ]


@pytest.mark.parametrize(("token", "refused"), [("", 0), ("arvattava", 1), ("x" * 19, 1), ("x" * 20, 0)])
def test_a_token_for_metrics_is_long_or_absent(settings: Settings, token: str, refused: int) -> None:
    settings.TISKI_METRICS_TOKEN = token

    assert len(said(configuration.metrics_token())) == refused


def test_a_missing_data_folder_is_named(settings: Settings, tmp_path: Path) -> None:
    settings.TISKI_DATA = tmp_path / "missing"

    (problem,) = configuration.folders()
    assert problem.what == f"The folder {tmp_path}/missing is missing or cannot be written."
    assert problem.remedy == "Make it, and give it to the user who runs Tiski."


def test_a_nearly_full_disk_is_named(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.TISKI_DATA = tmp_path
    (tmp_path / "blobs").mkdir()
    assert said(configuration.folders()) == []
    monkeypatch.setattr("tiski.kernel.blobs.storing.make_room_or_refuse.__defaults__", (2**60,))

    assert said(configuration.folders()) == [
        f"The disk of {tmp_path} is nearly full. Free at least 100 MB, or move TISKI_DATA to a larger disk."
    ]


def test_a84_djangos_admin_does_not_appear_by_accident(settings: Settings) -> None:
    settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, "django.contrib.admin"]

    assert len(said(configuration.admin())) == 1


def test_deploying_asks_for_a_public_encrypted_address_a_proxy_and_mail(settings: Settings) -> None:
    settings.TISKI_BASE_URL, settings.TISKI_SMTP_URL = "http://localhost:8000", ""
    assert len([*configuration.public_address(), *configuration.mail()]) == 2
    settings.TISKI_BASE_URL, settings.TISKI_SMTP_URL = "https://desk.example.com", "smtp://mail.example.com"
    settings.TISKI_HOST, settings.TISKI_TRUSTED_PROXIES = "127.0.0.1", []
    assert "TISKI_TRUSTED_PROXIES" in said(configuration.public_address())[0]
    settings.TISKI_TRUSTED_PROXIES = ["127.0.0.1"]
    assert [*configuration.public_address(), *configuration.mail()] == []


def test_a_network_share_is_no_place_for_sqlite(settings: Settings, tmp_path: Path) -> None:
    settings.TISKI_DATA = tmp_path
    mounts = f"/dev/sda1 / ext4 rw 0 0\nserver:/tea {tmp_path} nfs4 rw 0 0\nserver:/x {tmp_path}xyz cifs rw 0 0\n"
    refused = 1 if connection.vendor == "sqlite" else 0

    assert len(said(database.on_a_local_disk(mounts))) == refused
    assert said(database.on_a_local_disk("/dev/sda1 / ext4 rw 0 0\n")) == []
    assert said(database.on_a_local_disk("nonsense")) == []
    assert said(database.on_a_local_disk()) == []


def test_the_settings_of_the_connection_are_the_durable_ones() -> None:
    problems = said(database.durable())

    if connection.vendor == "sqlite":
        assert problems == []
    else:
        assert all("would lose messages in a power cut" in sentence for sentence in problems)


def test_an_sqlite_connection_that_could_lose_commits_is_refused() -> None:
    if connection.vendor != "sqlite":
        return
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA mmap_size=1000000")
    try:
        assert "SQLite runs with mmap_size=1000000 instead of 0." in said(database.durable())[0]
    finally:
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA mmap_size=0")


def test_a_schema_that_lacks_changes_names_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "_CLOSED", ())
    monkeypatch.setattr(checks, "_OPENED", ())
    assert said(database.migrated()) == []
    newest = MigrationLoader(connection).graph.leaf_nodes("kernel")[0]
    MigrationRecorder(connection).record_unapplied(*newest)

    assert [problem.remedy for problem in checks.run()] == ["Run `tiski migrate`; `tiski up` does it as well."]
    assert said(database.migrated())[0].endswith("Run `tiski migrate`; `tiski up` does it as well.")


def test_f14_the_direct_successor_may_have_worked_here_and_no_later_release() -> None:
    recorder = MigrationRecorder(connection)
    checks.note_release()
    checks.note_release()
    ours = ".".join(tiski.__version__.split(".")[:2])
    assert [name for app, name in recorder.applied_migrations() if app == "tiski-release"] == [ours]
    recorder.record_applied("tiski-release", "0.0")
    recorder.record_applied("tiski-release", "98.0")
    assert said(database.not_too_new()) == []
    recorder.record_applied("tiski-release", "98.10")

    (problem,) = database.not_too_new()
    assert problem.what == f"The database was used by version 98.10; this is {ours}."
    assert problem.remedy == "Install that version again, or restore a backup made with this one."


def test_a_key_file_of_another_installation_is_noticed(settings: Settings, tmp_path: Path) -> None:
    seal("tee-aika", shop=7, place="a")
    assert said(database.keys_fit()) == []
    settings.TISKI_KEY_FILE = tmp_path / "secret.key"

    (sentence,) = said(database.keys_fit())
    assert "the stored passwords of 1 shops cannot be read" in sentence
    assert f"Put back {tmp_path}/secret.key from your backup." in sentence
    assert ShopKey.objects.count() == 1


def test_an_unsound_installation_does_not_even_open_the_database(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []

    def open_it() -> list[Problem]:
        opened.append("database")
        return []

    monkeypatch.setattr(checks, "_OPENED", (open_it,))
    monkeypatch.setattr(checks, "_CLOSED", (lambda: versions.sqlite((3, 40, 1)),))

    assert len(checks.run()) == len(checks.before_migrating()) == 1
    assert opened == []


def test_a_channel_adds_its_own_self_test_once(monkeypatch: pytest.MonkeyPatch) -> None:
    registered: dict[str, checks.Check] = {}
    monkeypatch.setattr(checks, "_registered", registered)
    monkeypatch.setattr(checks, "_CLOSED", ())
    monkeypatch.setattr(checks, "_OPENED", ())

    @checks.register
    def limits_apply() -> Iterator[Problem]:
        yield Problem("The memory limit of the parser does not apply.", "Use a newer kernel.")

    checks.register(limits_apply)

    assert said(iter(checks.run())) == ["The memory limit of the parser does not apply. Use a newer kernel."]


def test_a_database_that_cannot_be_opened_is_named_without_its_password(tmp_path: Path) -> None:
    script = """
import os, sys
os.environ.update(DJANGO_SETTINGS_MODULE="tiski.config.settings", TISKI_DATA=sys.argv[1])
os.environ["TISKI_DATABASE_URL"] = "postgresql://mia:tee-aika-4711@127.0.0.1:9/tiski?connect_timeout=2"
import django
django.setup()
from django.utils import translation
from tiski.kernel import checks
translation.activate("en")
os.makedirs(os.path.join(sys.argv[1], "blobs"), exist_ok=True)
for problem in checks.run():
    print(problem)
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=False, timeout=60
    )

    assert done.stdout.startswith("The database cannot be opened: "), done.stderr
    assert "Check TISKI_DATABASE_URL" in done.stdout
    assert "tee-aika-4711" not in done.stdout
