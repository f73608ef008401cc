"""Two of everything: two web, two live and two worker processes over one PostgreSQL, behind nginx with TLS.

with Cluster(folder, postgres.url()) as cluster:
    cluster.kill("live-1")       # SIGKILL; `drain` asks it to stop; `replace` puts another in its place
    ...                          # visitors go to cluster.address
    assert cluster.failures() == []
"""

from __future__ import annotations

import os
import ssl
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType

import httpx

from tiski.testing import processes
from tiski.testing.certificates import Certificates, make_certificates
from tiski.testing.nginx import Asked, Nginx, site_of
from tiski.testing.ports import free_port, wait_until
from tiski.testing.tiski_process import TiskiProcess

PAGE = Path(__file__).parents[2] / "docs" / "deploy.md"
KINDS = ("web", "live", "worker")
SERVING = ("web-1", "web-2", "live-1", "live-2")
EVERYONE = (*SERVING, "worker-1", "worker-2")
READY_WITHIN = 90.0
_HOST = "desk.teepuoti.example"
_SHOWN = {"web-1": 8001, "web-2": 8002, "live-1": 8011, "live-2": 8012}
_PREPARE = "from tiski.config import startup; startup.prepare(demo=True)"


class Cluster:
    """The six processes by name (`web-1` ... `worker-2`) and their nginx, as `docs/deploy.md` tells how to run them.

    `module` is what each process runs, `tiski.testing.lifted` for crowds. Clients trust `authority`.
    """

    def __init__(
        self,
        folder: Path,
        database_url: str,
        *,
        redis_url: str = "",
        module: str = "tiski.config.cli",
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.data = folder / "data"
        self.database_url = database_url
        certificates = make_certificates(folder)
        self.authority = certificates.authority
        port = free_port()
        self.address = f"https://localhost:{port}"
        settings = {
            "TISKI_DATA": str(self.data),
            "TISKI_BASE_URL": self.address,
            "TISKI_DATABASE_URL": database_url,
            "TISKI_REDIS_URL": redis_url,
            "TISKI_TRUSTED_PROXIES": "127.0.0.1",
            "TISKI_ALLOW_NETWORKS": "127.0.0.0/8",
            **(environment or {}),
        }
        self._settings = settings
        self._gone: set[str] = set()
        self._forgotten = 0
        self.processes = {
            name: TiskiProcess(
                self.data,
                command=name.partition("-")[0],
                database_url=database_url,
                environment=settings,
                module=module,
            )
            for name in EVERYONE
        }
        self.nginx = Nginx(site_of(PAGE, self._changes(port, certificates)), port=port)

    def __enter__(self) -> Cluster:
        try:
            return self.start()
        except BaseException:
            self.stop()
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def trust(self) -> ssl.SSLContext:
        """What lets Python's clients believe nginx's certificate."""
        return ssl.create_default_context(cafile=self.authority)

    def start(self) -> Cluster:
        """Start everything at the same moment over an empty database; return when it is ready and has its demo shop."""
        self.data.mkdir(mode=0o700)
        for process in self.processes.values():
            process.launch()
        self._open_the_demo_shop()
        self.wait_until_ready(SERVING)
        self.nginx.start()
        return self

    def stop(self) -> None:
        """End everything at once."""
        self.nginx.stop()
        for process in self.processes.values():
            process.kill()

    def kill(self, name: str) -> None:
        """SIGKILL: the process gets no chance to tidy up."""
        self._gone.add(name)
        self.processes[name].kill()

    def drain(self, name: str) -> None:
        """SIGTERM, and wait until the process has finished in order."""
        self._gone.add(name)
        code = self.processes[name].stop()
        if code != 0:
            raise AssertionError(f"{name} ended with {code}:\n{self.processes[name].log()[-3000:]}")

    def launch(self, name: str) -> None:
        """Start a process in the place of one that is gone."""
        self.processes[name].launch()
        self._gone.discard(name)

    def replace(self, name: str) -> None:
        """Start a process in the place of one that is gone, and wait until it is ready."""
        self.launch(name)
        self.wait_until_ready([name])

    def mend(self) -> None:
        """Replace all that is gone."""
        for name in sorted(self._gone):
            self.launch(name)
        self.wait_until_ready(SERVING)

    def wait_until_ready(self, names: Iterable[str]) -> None:
        """Return when those of the processes that answer requests say that traffic is welcome."""
        for name in set(names).intersection(SERVING):
            wait_until(lambda name=name: self._is_ready(name), f"{name} ready", seconds=READY_WITHIN)  # type: ignore[misc]

    def failures(self) -> list[Asked]:
        """The requests that a visitor saw fail, sockets apart: nginx had no process that answered them."""
        return [asked for asked in self.nginx.asked()[self._forgotten :] if asked.status >= 500]

    def forget_failures(self) -> None:
        """Count the failures of what is to come."""
        self._forgotten = len(self.nginx.asked())

    def _changes(self, port: int, certificates: Certificates) -> dict[str, str]:
        """What the page shows, and what it is here: addresses and the certificate, nothing else."""
        letsencrypt = f"/etc/letsencrypt/live/{_HOST}"
        changes = {
            "listen 80;": f"listen 127.0.0.1:{free_port()};",
            "listen 443 ssl": f"listen 127.0.0.1:{port} ssl",
            f"server_name {_HOST};": "server_name localhost;",
            f"{letsencrypt}/fullchain.pem": str(certificates.certificate),
            f"{letsencrypt}/privkey.pem": str(certificates.key),
        }
        for name, shown in _SHOWN.items():
            changes[f"server 127.0.0.1:{shown} "] = f"server 127.0.0.1:{self.processes[name].port} "
        return changes

    def _open_the_demo_shop(self) -> None:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("TISKI_", "DJANGO_"))}
        environment = {**kept, **self._settings, "DJANGO_SETTINGS_MODULE": "tiski.config.settings"}
        log = self.data.with_name("prepare.log")
        process = processes.start(
            [sys.executable, "-c", _PREPARE], log=log, environment=environment, folder=PAGE.parents[1]
        )
        if process.wait(READY_WITHIN):
            raise RuntimeError(f"The demo shop could not be made:\n{log.read_text(errors='replace')}")

    def _is_ready(self, name: str) -> bool:
        process = self.processes[name]
        try:
            return httpx.get(f"{process.address}/readyz", timeout=5, trust_env=False).status_code == 200
        except httpx.TransportError:
            return False
