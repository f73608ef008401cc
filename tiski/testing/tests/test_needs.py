"""What is missing is named with the command that installs it, and fails the run."""

from __future__ import annotations

import pytest

from tiski.testing import needs
from tiski.testing.needs import Missing, program


def test_a_program_is_found_outside_the_path_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert program("dovecot").name == "dovecot"
    assert program("initdb").name == "initdb"


@pytest.mark.parametrize(
    ("name", "packages"),
    [
        ("chromium", "chromium"),
        ("dovecot", "dovecot-imapd dovecot-lmtpd"),
        ("postfix", "postfix"),
        ("postgres", "postgresql"),
        ("teapot", "teapot"),
    ],
)
def test_a_missing_program_fails_with_the_installing_command(
    name: str, packages: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr(needs, "_OFF_THE_PATH", [])
    with pytest.raises(Missing) as missing:
        program(name)
    assert str(missing.value) == (
        f"{name} is missing. Install it: sudo apt-get install -y {packages} (or run: sudo make test)"
    )
