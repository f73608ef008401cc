"""Servers end with the run that started them, even when that is killed without a chance to tidy up."""

from __future__ import annotations

import errno
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tiski.testing.ports import listens, wait_until

START = """
from tiski.testing.dovecot import Dovecot
from tiski.testing.postfix import Postfix
from tiski.testing.postgres import Postgres

postgres = Postgres().start()
dovecot = Dovecot({"ada.virtanen@posti.test": "kissa"}).start()
postfix = Postfix(dovecot).start()
print(postgres.port, dovecot.imap_port, postfix.port, flush=True)
print(postgres.folder, dovecot.folder, postfix.folder, flush=True)
input()
"""


@pytest.mark.mail
def test_servers_end_with_the_run_that_started_them() -> None:
    run = subprocess.Popen(
        [sys.executable, "-c", START],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[3],
    )
    assert run.stdin
    assert run.stdout
    ports = [int(word) for word in run.stdout.readline().split()]
    folders = run.stdout.readline().split()
    assert [listens(port) for port in ports] == [True, True, True]
    run.kill()
    run.wait(10)
    run.stdin.close()
    run.stdout.close()
    wait_until(lambda: all(map(_refuses, ports)), "the servers ending after their run was killed")
    subprocess.run(["rm", "-rf", *folders], check=True)


def _refuses(port: int) -> bool:
    """Nobody holds the port any more; a stuck server would leave the caller waiting instead."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == errno.ECONNREFUSED
