"""Fixtures every package's tests may ask for. Real servers start once per worker and only when asked for."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.test import override_settings
from django.utils.translation import trans_real

from tiski.testing import plugin
from tiski.testing.chromium import Chromium, Screen, Trouble
from tiski.testing.postgres import Postgres

if TYPE_CHECKING:  # models may be imported only once Django is set up
    from tiski.testing.letterbox import Post

_DATABASE_FIXTURES = {"db", "transactional_db", "django_db_reset_sequences", "live_server"}


def pytest_configure(config: pytest.Config) -> None:
    """`make soak` alone runs what is marked so."""
    if not config.option.markexpr:
        config.option.markexpr = "not soak"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On PostgreSQL keep the tests that touch the database; what needs the browser, and what needs servers, stays
    together, each on one worker: they start once.
    """
    if config.pluginmanager.hasplugin("xdist"):
        for item in items:
            if item.get_closest_marker("browser"):
                item.add_marker(pytest.mark.xdist_group("browser"))
            elif item.get_closest_marker("mail") or item.get_closest_marker("postgresql"):
                item.add_marker(pytest.mark.xdist_group("servers"))
    runs = _runs_on_sqlite if plugin.database() == "sqlite" else _runs_on_postgresql
    kept = [item for item in items if runs(item)]
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = kept


def _runs_on_sqlite(item: pytest.Item) -> bool:
    return not item.get_closest_marker("postgresql")


def _runs_on_postgresql(item: pytest.Item) -> bool:
    if item.get_closest_marker("both") or item.get_closest_marker("postgresql"):
        return True
    if item.get_closest_marker("browser") or item.get_closest_marker("mail"):
        return False
    asked = set(getattr(item, "fixturenames", ()))
    return bool(item.get_closest_marker("django_db") or asked & _DATABASE_FIXTURES)


@pytest.fixture(scope="session")
def django_db_modify_db_settings() -> None:
    """Each worker has a database of its own; SQLite's is a file, as in the product, so that several threads see it."""
    database = settings.DATABASES["default"]
    worker = os.environ.get("PYTEST_XDIST_WORKER", "alone")
    on_file = "sqlite3" in database["ENGINE"]
    name = str(plugin.run_folder() / f"tests-{worker}.sqlite3") if on_file else f"tests_{worker}"
    database.setdefault("TEST", {})["NAME"] = name


@pytest.fixture(scope="session", autouse=True)
def speak_the_message_ids() -> None:
    """Tests in this process read the English of the message ids; catalogues have their own check, journeys their own
    process, which speaks Finnish.
    """
    settings.LOCALE_PATHS = []
    trans_real._translations.clear()  # type: ignore[attr-defined]


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL cluster of this worker; its files lie in memory."""
    with Postgres() as cluster:
        yield cluster


@pytest.fixture(scope="session")
def chromium() -> Iterator[Chromium]:
    """The browser of this worker; `chromium.open(...)` gives a person's window."""
    with Chromium() as browser:
        yield browser


@pytest.fixture
def open_screen(chromium: Chromium) -> Iterator[Callable[..., Screen]]:
    """`chromium.open`, closing the windows afterwards: trouble in any of them fails the test."""
    screens: list[Screen] = []

    def open_one(*arguments: Any, **options: Any) -> Screen:
        screens.append(chromium.open(*arguments, **options))
        return screens[-1]

    yield open_one
    trouble = [line for screen in screens for line in screen.unexpected_trouble()]
    for screen in screens:
        screen.context.close()
    if trouble:
        raise Trouble("\n".join(trouble))


@pytest.fixture(scope="session")
def durable_postgres() -> Iterator[Postgres]:
    """A cluster that keeps what it has confirmed, as the product demands of one before it starts."""
    with Postgres(durable=True) as cluster:
        yield cluster


@pytest.fixture
def database_url(request: pytest.FixtureRequest) -> str:
    """Where a `TiskiProcess` keeps its rows in this run: empty for SQLite, else a fresh PostgreSQL database."""
    if plugin.database() == "sqlite":
        return ""
    cluster: Postgres = request.getfixturevalue("durable_postgres")
    return cluster.create(f"process_{uuid4().hex}")


@pytest.fixture
def post(db: None) -> Post:
    """Teepuoti's mailbox: it acknowledges, and its host knows plus addresses."""
    from tiski.testing.letterbox import ADDRESS, open_post
    from tiski.testing.world import tea_shop

    return open_post(tea_shop(), ADDRESS)


@pytest.fixture
def other_post(db: None) -> Post:
    """Kahvila's mailbox on the same instance."""
    from tiski.testing.letterbox import open_post
    from tiski.testing.world import coffee_shop

    return open_post(coffee_shop(), "help@kahvila.example")


@pytest.fixture
def loopback() -> Iterator[None]:
    """Let servers on this machine be reached, as an owner would allow."""
    with override_settings(TISKI_ALLOW_NETWORKS=["127.0.0.0/8"]):
        yield


@pytest.fixture
def data_folder(tmp_path: Path) -> Path:
    """An empty folder for a `TISKI_DATA` of its own."""
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    return folder
