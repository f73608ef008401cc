"""The product really starts, is ready, dies by SIGKILL and goes on with the same data."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from tiski.testing.ports import TookTooLong, wait_until
from tiski.testing.tiski_process import TiskiProcess


def test_the_product_is_killed_and_goes_on_with_its_data(data_folder: Path) -> None:
    with TiskiProcess(data_folder) as tiski:
        key = (data_folder / "secret.key").read_bytes()
        assert httpx.get(f"{tiski.address}/livez").status_code == 200
        tiski.kill()
        with pytest.raises(httpx.TransportError):
            httpx.get(f"{tiski.address}/livez")
        tiski.start()
        assert httpx.get(f"{tiski.address}/readyz").status_code == 200
        assert tiski.stop() == 0
    assert (data_folder / "secret.key").read_bytes() == key
    assert (data_folder / "tiski.sqlite3").exists()


def test_a_refusal_to_start_is_told_with_its_words(data_folder: Path) -> None:
    tiski = TiskiProcess(data_folder, database_url="mysql://tea")
    tiski.launch()
    assert tiski.wait() == 2
    assert "TISKI_DATABASE_URL starts with 'mysql'" in tiski.log()


def test_waiting_ends_with_what_was_waited_for() -> None:
    with pytest.raises(TookTooLong, match="tea being ready: not within"):
        wait_until(lambda: False, "tea being ready", seconds=0.1)
