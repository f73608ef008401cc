"""House rules of templates, sheets and modules that no tool knows."""

import base64
import gzip
import hashlib
import re
import tomllib
from pathlib import Path

import msgspec
import pytest

from tiski.kernel.live import frames
from tiski.ui import statics

UI = Path(statics.__file__).parent
STATIC = UI / "static/ui"
SHEETS = sorted(STATIC.glob("css/*.css"))
MODULES = sorted(STATIC.glob("*.js"))
TEMPLATES = sorted(path for folder in UI.parent.glob("**/templates") for path in folder.rglob("*.html"))
LINKED_ELSEWHERE = {"message", "styleguide"}
ON_THE_REQUESTING = re.compile(r"<(\w[\w-]*)\b((?:[^>\"']|\"[^\"]*\"|'[^']*')*)>", re.DOTALL)
ACTS = re.compile(r"\s(?:data-)?hx-(?:get|post|put|patch|delete|action)[=:\s]")
INHERITABLE = re.compile(r"\s(?:data-)?hx-(?:target|swap|headers|push-url|sync)=")
WORDS = re.compile(r"(?:textContent|title|placeholder|ariaLabel)\s*=\s*[\"'`][^\"'`]*[A-Za-z]{2}")
PHYSICAL = re.compile(
    r"^\s*(?:margin|padding|border)-(?:left|right|top|bottom)\b|^\s*(?:left|right|top|bottom|width|height)\s*:",
    re.MULTILINE,
)


def weight(*files: Path) -> int:
    """Bytes on the wire, each file compressed by itself as the server does."""
    return sum(len(gzip.compress(file.read_bytes(), 9, mtime=0)) for file in files)


def listed_sheets() -> list[str]:
    """The names in `_styles.html`."""
    return re.findall(r'"([\w-]+)"', (UI / "templates/ui/_styles.html").read_text().partition("]")[0])


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_htmx_attributes_on_a_container_say_that_they_are_inherited(template: Path) -> None:
    tags = ON_THE_REQUESTING.findall(re.sub(r"\{[#%].*?[#%]\}", " ", template.read_text(), flags=re.DOTALL))
    assert [tag for tag, attributes in tags if INHERITABLE.search(attributes) and not ACTS.search(attributes)] == []


def test_every_icon_asked_for_is_in_the_sprite() -> None:
    names = {
        name for path in TEMPLATES for name in re.findall(r"\bicon(?:_name)?(?:=|\()\"([\w-]+)\"", path.read_text())
    }
    assert names - set((UI / "icons.txt").read_text().split()) == set()


def test_the_sprite_holds_the_list() -> None:
    sprite = (UI / "templates/ui/_icons.svg").read_text()
    assert re.findall(r'<symbol id="i-([\w-]+)"', sprite) == (UI / "icons.txt").read_text().split()


@pytest.mark.parametrize("sheet", SHEETS, ids=lambda path: path.stem)
def test_a_sheet_is_short_logical_and_in_a_layer(sheet: Path) -> None:
    text = sheet.read_text()
    assert text.count("\n") <= 150
    assert "!important" not in text
    assert PHYSICAL.findall(text) == []
    assert "@layer" in text or sheet.stem == "message"


def test_every_sheet_is_linked() -> None:
    assert sorted([*listed_sheets(), *LINKED_ELSEWHERE]) == sorted(sheet.stem for sheet in SHEETS)


def test_the_console_keeps_to_its_weight() -> None:
    styles = weight(*(STATIC / f"css/{name}.css" for name in listed_sheets()))
    scripts = weight(*MODULES)
    vendored = weight(*STATIC.glob("vendor/*.js"))
    font = (STATIC / "fonts/schibsted-grotesk.woff2").stat().st_size
    assert styles <= 25_000
    assert scripts <= 30_000
    assert styles + scripts + vendored + font <= 130_000


def test_the_live_line_keeps_to_its_weight() -> None:
    assert weight(STATIC / "live.js") <= 1500


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.stem)
def test_a_module_holds_no_text_for_people(module: Path) -> None:
    text = module.read_text()
    assert text.startswith(("/**\n", "/** "))
    code = re.sub(r"/\*.*?\*/|//[^\n]*|\$\{[^}]*\}", "", text, flags=re.DOTALL)
    assert WORDS.findall(code) == []
    assert re.findall(r"\b(?:alert|confirm|prompt)\(", code) == []


def test_what_others_made_is_as_they_made_it() -> None:
    known = tomllib.loads((STATIC / "vendor/vendor.toml").read_text())
    places = [(UI / "static", entry) for entry in known["file"]] + [
        (UI / "templates", entry) for entry in known["template"]
    ]
    for root, entry in places:
        digest = hashlib.sha384((root / entry["path"]).read_bytes()).digest()
        assert base64.b64encode(digest).decode() == entry["sha384"], entry["path"]
        assert (STATIC / "vendor" / entry["licence_file"]).is_file()
    scripts = {f"ui/vendor/{path.name}" for path in STATIC.glob("vendor/*.js")}
    assert scripts <= {entry["path"] for entry in known["file"]}


def test_htmx_is_the_release_that_was_measured() -> None:
    known = tomllib.loads((STATIC / "vendor/vendor.toml").read_text())
    htmx = next(entry for entry in known["file"] if entry["name"] == "htmx")
    assert htmx["sha384"] == "Qp9rdC8H7EqOoX+nR0P3RPG2Noji+qdwJlGpfzwQJsfOpp3sGwIdSP9xO3+UlEhn"


@pytest.mark.parametrize(
    ("struct", "written"),
    [
        (frames.Beat, "Beat"),
        (frames.Resync, "Resync"),
        (frames.Refused, "Refused"),
        (frames.Ready, "ConsoleReady"),
        (frames.News, "News"),
        (frames.Now, "Now"),
    ],
)
def test_frames_are_written_down_as_the_server_has_them(struct: type[frames.Frame], written: str) -> None:
    types = (STATIC / "frames.d.ts").read_text()
    found = re.search(rf"export type {written} = \{{(.*?)\}};", types, re.DOTALL)
    assert found is not None
    fields = dict(re.findall(r"(\w+)(\??):", found[1]))
    info = msgspec.inspect.type_info(struct)
    assert isinstance(info, msgspec.inspect.StructType)
    assert fields.pop("t") == ""
    assert f't: "{info.tag}"' in found[1]
    assert fields == {field.encode_name: "" if field.required else "?" for field in info.fields}
