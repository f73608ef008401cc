"""The site of the documentation is the one that is tested, and a page that changed is noticed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tiski.kernel.live.entrance import entrances
from tiski.kernel.live.routes import routes
from tiski.testing.cluster import PAGE
from tiski.testing.nginx import site_of

SHOWN = "# Page\n\n```nginx\n# /etc/nginx/conf.d/tiski.conf\nlisten 80;\n```\n"


def test_the_site_is_read_from_the_page_with_the_addresses_of_this_run(tmp_path: Path) -> None:
    page = tmp_path / "deploy.md"
    page.write_text(SHOWN)
    assert site_of(page, {"listen 80;": "listen 127.0.0.1:4711;"}).endswith("\nlisten 127.0.0.1:4711;\n")
    with pytest.raises(AssertionError, match=r"deploy.md no longer shows: listen 443 ssl"):
        site_of(page, {"listen 443 ssl": "listen 127.0.0.1:4712 ssl"})


def test_the_real_page_sends_every_socket_and_route_of_the_live_half_there() -> None:
    found = re.search(r"location ~ (\S+) \{\n\s+proxy_pass http://tiski_live;", site_of(PAGE, {}))
    assert found is not None
    live = re.compile(found[1])
    ours = [entrance.door.path for entrance in entrances] + [route.path for route in routes]
    paths = [re.sub(r"<\w+>", "teepuoti", path) for path in ours if not path.startswith("/tearoom/")]
    assert len(paths) >= 5
    assert [path for path in paths if not live.search(path)] == []
    assert live.search("/teepuoti/inbox/open/") is None


def test_the_real_page_hides_what_is_for_the_machine_alone() -> None:
    assert "location ~ ^/(livez|readyz|metrics)$ {\n        return 404;" in site_of(PAGE, {})
