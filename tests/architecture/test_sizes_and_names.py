"""Files and functions stay short, and names say something."""

from __future__ import annotations

from tiski.testing.rules import sizes
from tiski.testing.rules.sources import Source, sources


def test_no_file_is_over_400_lines() -> None:
    code = sources(".py", ".js", ".css", ".html")
    assert "\n".join(finding for source in code for finding in sizes.long_file(source)) == ""


def test_no_function_is_over_40_lines() -> None:
    code = [source for source in sources(".py") if not source.within("*/migrations/*")]
    assert "\n".join(finding for source in code for finding in sizes.long_functions(source)) == ""


def test_no_module_is_named_after_nothing() -> None:
    assert "\n".join(finding for source in sources(".py", ".js") for finding in sizes.vague_name(source)) == ""


def test_a_long_file_and_a_long_function_are_found() -> None:
    body = "def brew() -> None:\n" + "    pass\n" * 40
    source = Source("tiski/tea.py", body * 10)
    assert sizes.long_file(source) == ["tiski/tea.py:410: 410 lines; split it by noun at 400"]
    assert sizes.long_functions(source)[0] == "tiski/tea.py:1: brew has 41 lines; tell it in parts of 40"
    assert sizes.long_functions(Source("tiski/tea.py", "def brew() -> None:\n" + "    pass\n" * 39)) == []


def test_a_vague_name_is_found() -> None:
    assert sizes.vague_name(Source("tiski/tea/helpers.py", ""))[0].startswith(
        "tiski/tea/helpers.py:1: the name 'helpers'"
    )
    assert sizes.vague_name(Source("tiski/tea/kettle.py", "")) == []
