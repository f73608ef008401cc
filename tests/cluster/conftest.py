"""A place for the figures that the cluster's tests measure."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def record(request: pytest.FixtureRequest) -> Callable[..., None]:
    """Writes one line of figures for the record, `record(messages=300, p95=0.02)`, into the folder TISKI_RECORD if set.

    The same figures are a property of the test in pytest's own JUnit report.
    """

    def write(**figures: object) -> None:
        folder, name = os.environ.get("TISKI_RECORD"), request.node.name
        numbered = re.match(r"test_(f\d\d)_", name)
        case = numbered[1].upper() if numbered else "cluster"
        line = {"case": case, "database": "postgresql", "test": name, "figures": figures}
        request.node.user_properties.append(("figures", json.dumps(figures)))
        if folder:
            with (Path(folder) / "cluster.jsonl").open("a") as file:
                file.write(json.dumps(line) + "\n")

    return write
