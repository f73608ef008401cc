"""Ports for servers that start side by side."""

from __future__ import annotations

import socket

import pytest

from tiski.testing import ports


def test_no_port_is_given_twice() -> None:
    given = [ports.free_port() for _ in range(1_000)]
    assert len(set(given)) == len(given)
    assert set(given) <= set(ports.PORTS)


def test_a_port_that_someone_listens_on_is_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        busy, free = taken.getsockname()[1], ports.free_port()
        chosen = iter([busy, free])
        monkeypatch.setattr("secrets.choice", lambda _ports: next(chosen))
        monkeypatch.setattr(ports, "_given", set())
        assert ports.free_port() == free
