"""The list of edits fits the code as it is; all of them are tried out in `make soak`."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from tiski.testing.instances import Record
from tiski.testing.rules.sources import ROOT

from .catalogue import MUTATIONS, Mutation


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.breaks)
def test_each_edit_still_fits_and_its_tests_exist(mutation: Mutation) -> None:
    assert (ROOT / mutation.file).read_text().count(mutation.old) == 1
    compile((ROOT / mutation.file).read_text().replace(mutation.old, mutation.new), mutation.file, "exec")
    for test in mutation.tests:
        file, _colons, name = test.partition("::")
        assert re.search(rf"^def {name}\(", (ROOT / file).read_text(), re.MULTILINE), test


def test_there_are_enough_and_no_two_alike() -> None:
    assert len({(mutation.file, mutation.old) for mutation in MUTATIONS}) == len(MUTATIONS) >= 15


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_every_edit_is_noticed(record: Record) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.attacks.mutations"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    record(edits=len(MUTATIONS), noticed=sum(line.startswith("noticed ") for line in done.stdout.splitlines()))
    assert (done.returncode, "MISSED" in done.stdout) == (0, False), done.stdout + done.stderr
