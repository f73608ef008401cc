"""The tools look at all of the code, and the locks hold what the code imports."""

from __future__ import annotations

import ast
import configparser
import importlib.metadata
import json
import re
import sys

from tiski.testing.rules.sources import ROOT, product, sources

# Loaded by name: Django's database driver and hasher, uvicorn's loop, parser and WebSocket code; and what redis imports
# before Python 3.11.3, which a lock made on a newer one would leave out.
_LOADED_BY_NAME = {"psycopg", "uvloop", "httptools", "websockets", "argon2-cffi", "async-timeout"}


def test_the_browser_type_checker_knows_every_static_folder() -> None:
    known = json.loads((ROOT / "tsconfig.json").read_text())["compilerOptions"]["rootDirs"]
    folders = {
        path.relative_to(ROOT).as_posix() for path in (ROOT / "tiski").glob("**/static") if any(path.rglob("*.js"))
    }
    assert folders - set(known) == set()


def test_the_import_contracts_have_no_exceptions_and_see_every_package() -> None:
    contracts = configparser.ConfigParser()
    contracts.read(ROOT / ".importlinter")
    assert [name for name in contracts.sections() if contracts[name].get("ignore_imports")] == []
    containers = set(contracts["importlinter:contract:inside"]["containers"].split())
    acting = {
        ".".join(source.path.split("/actions")[0].split("/")) for source in product() if "/actions" in source.path
    }
    assert {package for package in acting if not package.startswith("tiski.kernel")} - containers == set()


def test_test_folders_are_no_packages() -> None:
    assert [source.path for source in sources("__init__.py") if "/tests/" in source.path] == []


def test_the_run_lock_holds_exactly_what_the_product_imports() -> None:
    wanted = {_plain(line) for line in _requirements("run.in")}
    providers = importlib.metadata.packages_distributions()
    used = {_plain(name) for module in _imported() for name in providers.get(module, [])} - {"tiski"}
    assert used - wanted - _LOADED_BY_NAME == set(), "imported, but not in requirements/run.in"
    assert wanted - used - _LOADED_BY_NAME == set(), "in requirements/run.in, but imported nowhere"


def test_the_locks_pin_every_package_by_hash_and_name_no_host() -> None:
    for name in ("build", "run", "test"):
        text = (ROOT / "requirements" / f"{name}.lock").read_text()
        pinned = re.findall(r"^([\w.-]+)==\S+ \\\n    --hash=sha256:[0-9a-f]{64}", text, re.MULTILINE)
        assert len(pinned) == len(re.findall(r"^\w", text, re.MULTILINE))
        assert {_plain(line) for line in _requirements(f"{name}.in")} - {_plain(one) for one in pinned} == set()
        assert "://" not in text
    assert '"resolved"' not in (ROOT / "package-lock.json").read_text()


def _requirements(name: str) -> list[str]:
    lines = (ROOT / "requirements" / name).read_text().splitlines()
    return [line for line in lines if line and not line.startswith(("#", "-"))]


def _plain(requirement: str) -> str:
    return re.sub(r"[-_.]+", "-", re.split(r"[\s\[<>=;#]", requirement, maxsplit=1)[0]).lower()


def _imported() -> set[str]:
    found: set[str] = set()
    for source in product():
        for node in ast.walk(source.tree()):
            if isinstance(node, ast.Import):
                found.update(alias.name.split(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                found.add(node.module.split(".")[0])
    return found - set(sys.stdlib_module_names)
