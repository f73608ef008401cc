"""An nginx of one's own, with the site that `docs/deploy.md` shows; what it logged tells which request failed."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from tiski.testing import processes
from tiski.testing.needs import program
from tiski.testing.ports import wait_for_port

_SITE = "# /etc/nginx/conf.d/tiski.conf\n"
_MAIN = """\
user {user};
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
events {{ worker_connections 4096; }}
http {{
    log_format told '$status $request_method $request_uri $upstream_addr|$upstream_status|$request_time';
    access_log {folder}/access.log told;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/tiski.conf;
}}
"""
_LINE = re.compile(r"(\d+) (\S+) (\S+) (.*?)\|(.*?)\|([\d.]+)$")


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as nginx saw it: `upstreams` are the processes it was given to, in order; `seconds` in all."""

    status: int
    method: str
    path: str
    upstreams: tuple[str, ...]
    seconds: float


class Nginx:
    """A server on loopback ports with one site, as text; `port` is where it listens for visitors."""

    def __init__(self, site: str, *, port: int) -> None:
        self._site = site
        self._server: subprocess.Popen[bytes] | None = None
        self.port = port
        self.folder = Path()

    def __enter__(self) -> Nginx:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> Nginx:
        """Write the configuration, start, and wait until it listens."""
        self.folder = Path(tempfile.mkdtemp(prefix="tiski-nginx-"))
        (self.folder / "tiski.conf").write_text(self._site)
        main = self.folder / "nginx.conf"
        main.write_text(_MAIN.format(folder=self.folder, user=processes.run(["id", "-un"]).strip()))
        command: list[str | Path] = [program("nginx"), "-c", main, "-p", self.folder, "-e", self.folder / "error.log"]
        self._server = processes.start(command, log=self.folder / "start.log")
        try:
            wait_for_port(self.port)
        except Exception as error:
            raise RuntimeError(f"nginx did not start: {self.log()}") from error
        return self

    def stop(self) -> None:
        """Stop the server and remove its folder."""
        if self._server:
            processes.stop(self._server)
        self._server = None
        if self.folder != Path():
            shutil.rmtree(self.folder, ignore_errors=True)

    def asked(self) -> list[Asked]:
        """Every request it has answered, oldest first; sockets count when they end."""
        lines = (self.folder / "access.log").read_text(errors="replace").splitlines()
        return [_asked(found) for line in lines if (found := _LINE.match(line))]

    def log(self) -> str:
        """What it complained about."""
        files = (self.folder / "start.log", self.folder / "error.log")
        return "".join(file.read_text(errors="replace") for file in files if file.exists())


def site_of(page: Path, changes: Mapping[str, str]) -> str:
    """The site shown in a page of the documentation; each of the changed texts must be in it."""
    blocks = re.findall(r"^```nginx\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)
    site = next(block for block in blocks if block.startswith(_SITE))
    for shown, real in changes.items():
        if shown not in site:
            raise AssertionError(f"{page.name} no longer shows: {shown}")
        site = site.replace(shown, real)
    return str(site)


def _asked(found: re.Match[str]) -> Asked:
    status, method, path, upstreams, _, seconds = found.groups()
    return Asked(int(status), method, path, tuple(upstreams.split(", ")), float(seconds))
