"""One address for every static file, changing with the content of the tree."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tiski.ui import statics


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Two packages with static files, one of them a level deeper, in place of Tiski's own."""
    for name, content in {"ui/static/ui/a.js": "1", "channels/chat/static/chat/b.css": "2"}.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True)
        file.write_text(content)
    monkeypatch.setattr(statics, "_PACKAGE", tmp_path)
    statics._read_tree.cache_clear()
    yield tmp_path
    statics._read_tree.cache_clear()


def test_an_address_leads_to_its_file_and_back(tree: Path) -> None:
    address = statics.static("chat/b.css")
    assert address == f"/static/{statics.tree_hash()}/chat/b.css"
    assert statics.resolve(address) == tree / "channels/chat/static/chat/b.css"
    assert statics.is_current(address)


def test_the_hash_changes_with_content_and_with_names(tree: Path) -> None:
    hashes = [statics.tree_hash()]
    (tree / "ui/static/ui/a.js").write_text("3")
    statics._read_tree.cache_clear()
    hashes.append(statics.tree_hash())
    (tree / "ui/static/ui/a.js").rename(tree / "ui/static/ui/c.js")
    statics._read_tree.cache_clear()
    hashes.append(statics.tree_hash())
    assert len(set(hashes)) == 3
    assert all(len(each) == 12 for each in hashes)


def test_a_page_opened_before_an_update_still_finds_its_files(tree: Path) -> None:
    assert statics.resolve("/static/0123456789ab/ui/a.js") == tree / "ui/static/ui/a.js"
    assert not statics.is_current("/static/0123456789ab/ui/a.js")


@pytest.mark.parametrize(
    "address",
    [
        "/static/x/../../ui/a.js",
        "/static/x/ui/../ui/a.js",
        "/static/x//ui/a.js",
        "/static/x/ui",
        "/static/",
        "/static/x/",
    ],
)
def test_an_address_is_looked_up_and_never_walked(tree: Path, address: str) -> None:
    assert statics.resolve(address) is None


def test_an_unknown_file_is_a_mistake_in_the_template() -> None:
    with pytest.raises(FileNotFoundError, match=r"No package has a static file 'ui/nothing\.js'"):
        statics.static("ui/nothing.js")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.js", "text/javascript; charset=utf-8"),
        ("a.css", "text/css; charset=utf-8"),
        ("a.woff2", "font/woff2"),
        ("a.svg", "image/svg+xml"),
        ("a.exe", "application/octet-stream"),
    ],
)
def test_files_are_sent_with_their_type(name: str, kind: str) -> None:
    assert statics.content_type(name) == kind
