"""An installation on one machine: the two servers and our processes as children. Owns start, watch, restart, stop."""

import json
import secrets
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from clients.embedded import READY_SECONDS, EmbeddedPostgres, EmbeddedTemporal, Ports, child_of_ours, end, last_words
from clients.run_file import RunFile
from clients.settings import inherited
from domain.errors import Broken
from store.keyring import create_keyring

ANSWER_SECONDS = 2.0
PATIENT_ANSWER_SECONDS = 20.0
"""For who waits until something is ready: a busy machine answers late, and asking anew would begin anew."""
GATEWAY, WORKER, CONSOLE, OCR, PORTAL = "gateway", "worker", "console", "ocr", "portal"
FIRST_PASSWORD = "first password"  # noqa: S105  (what the console's log line is called)


@dataclass
class Child:
    """One process of ours; its output goes to a log file."""

    name: str
    command: list[str]
    environment: dict[str, str]
    log: Path
    process: subprocess.Popen[bytes] | None = None
    restarts: int = 0

    def start(self) -> None:
        """Start it; it ends when we die."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                child_of_ours(self.command),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self.environment,
                start_new_session=True,
            )

    def alive(self) -> bool:
        """Say whether it runs."""
        return self.process is not None and self.process.poll() is None

    def stop(self) -> None:
        """Ask it to end, and wait."""
        end(self.process)


@dataclass
class Installation:
    """Everything that `oms up` keeps running on one data folder."""

    folder: Path
    profile: str
    external: dict[str, str] = field(default_factory=dict)
    console: bool = False
    labels: bool = False
    portal: bool = False
    notes: list[str] = field(default_factory=list)
    children: dict[str, Child] = field(default_factory=dict)
    run: RunFile = field(default_factory=RunFile)
    postgres: EmbeddedPostgres | None = None
    temporal: EmbeddedTemporal | None = None

    def start(self) -> None:
        """Start the servers that the environment does not name, then our processes, and wait until they answer."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        ports = Ports(self.folder)
        self._start_servers(ports)
        environment = self.run.environment
        environment.setdefault("OMS_KEYRING", self._keyring())
        environment |= {"OMS_PROFILE": self.profile, "OMS_GATEWAY_PORT": str(ports.take("gateway"))}
        environment["OMS_HEALTH_ADDRESS"] = f"127.0.0.1:{ports.take('worker')}"
        self.run.urls["worker"] = f"http://{environment['OMS_HEALTH_ADDRESS']}"
        self.run.urls["gateway"] = f"http://127.0.0.1:{environment['OMS_GATEWAY_PORT']}"
        if self.console:
            self._name_console(ports)
        if self.portal:
            self._name_portal(ports)
        if self.labels:
            environment["OMS_LABELS"] = "true"
        self.add(GATEWAY, "clients.gateway")
        self.add(WORKER, "workers.main")
        if self.console:
            self._start_console()
        if self.portal:
            self.add(PORTAL, "clients.portal")
        if self.labels:  # nothing waits for it: bar codes and print are read when it is there
            self.add(OCR, "workers.ocr")
        self._wait_for(GATEWAY)
        if self.portal:
            self._wait_for(PORTAL)
        self.write()

    def _name_console(self, ports: Ports) -> None:
        """Choose its address before the worker starts: workflows link to it."""
        port = ports.take(CONSOLE)
        self.run.urls[CONSOLE] = f"http://127.0.0.1:{port}"
        self.run.environment |= {
            "OMS_CONSOLE_PORT": str(port),
            "OMS_CONSOLE_URL": self.run.urls[CONSOLE],
            "OMS_CONSOLE_TEMPORAL_UI": self.run.urls.get("temporal_ui", ""),
        }

    def _name_portal(self, ports: Ports) -> None:
        """Choose the buyers' address before the console starts: it makes links to it."""
        port = ports.take(PORTAL)
        self.run.urls[PORTAL] = f"http://127.0.0.1:{port}"
        self.run.environment |= {"OMS_PORTAL_PORT": str(port)}
        self.run.environment.setdefault("OMS_PORTAL_URL", inherited().get("OMS_PORTAL_URL", self.run.urls[PORTAL]))

    def _start_console(self) -> None:
        log = self.folder / f"{CONSOLE}.log"
        told = log.stat().st_size if log.exists() else 0
        self.add(CONSOLE, "clients.console")
        self._wait_for(CONSOLE)
        self.notes += first_password(log, told)

    def add(self, name: str, module: str, *arguments: str) -> Child:
        """Start one more process of ours."""
        command = [sys.executable, "-m", module, *arguments]
        child = Child(name, command, inherited() | self.run.environment, self.folder / f"{name}.log")
        child.start()
        self.children[name] = child
        return child

    def heal(self) -> list[str]:
        """Start again what died; return the names."""
        dead = [child for child in self.children.values() if not child.alive()]
        for child in dead:
            child.restarts += 1
            child.start()
        healed = [child.name for child in dead] + self._heal_servers()
        if healed:
            self.write()
        return healed

    def stop(self) -> None:
        """End everything that was started here, our processes first."""
        for child in reversed(self.children.values()):
            child.stop()
        if self.temporal:
            self.temporal.stop()
        if self.postgres:
            self.postgres.stop()
        if self.run.pids:  # else the file there is another installation's, which goes on running
            (self.folder / "run.json").unlink(missing_ok=True)

    def write(self) -> None:
        """Say in run.json what runs where."""
        self.run.pids = {name: child.process.pid for name, child in self.children.items() if child.process}
        if self.postgres:
            self.run.pids["postgres"] = self.postgres.pid()
        if self.temporal and self.temporal.process:
            self.run.pids["temporal"] = self.temporal.process.pid
        self.run.write(self.folder)

    def _start_servers(self, ports: Ports) -> None:
        self.run.environment |= self.external
        if "OMS_DATABASE_URL" not in self.external:
            self.postgres = EmbeddedPostgres(self.folder, ports)
            self.run.environment["OMS_DATABASE_URL"] = self.postgres.start()
        if "TEMPORAL_ADDRESS" not in self.external:
            self.temporal = EmbeddedTemporal(self.folder, ports)
            self.run.environment["TEMPORAL_ADDRESS"] = self.temporal.start()
            self.run.urls["temporal_ui"] = f"http://127.0.0.1:{self.temporal.ui_port}/namespaces/oms/workflows"

    def _heal_servers(self) -> list[str]:
        healed = []
        if self.postgres and not self.postgres.alive():
            self.postgres.start()
            healed.append("postgres")
        if self.temporal and not self.temporal.alive():
            self.temporal.start()
            healed.append("temporal")
        return healed

    def _keyring(self) -> str:
        path = self.folder / "keyring.json"
        if not path.exists():
            create_keyring(path)
        return str(path)

    def _wait_for(self, name: str) -> None:
        until, log, why = time.monotonic() + READY_SECONDS, self.children[name].log, ""
        while time.monotonic() < until:
            if not self.children[name].alive():
                raise Broken(f"the {name} did not start{last_words(log)}")
            why = unready(f"{self.run.urls[name]}/readyz", PATIENT_ANSWER_SECONDS)
            if not why:
                return
            time.sleep(0.05)
        raise Broken(f"the {name} was not ready in {READY_SECONDS} s: {why}; see {log}")


def first_password(log: Path, after: int) -> list[str]:
    """Give what a console says that started for the first time: its one login and one-time password."""
    new = log.read_bytes()[after:].decode().splitlines()
    lines = [json.loads(line) for line in new if line.startswith("{") and FIRST_PASSWORD in line]
    return [f"{line['login']} · one-time password: {line['one_time_password']}" for line in lines]


def answers(url: str, seconds: float = ANSWER_SECONDS) -> bool:
    """Say whether an address on this machine answers well."""
    return not unready(url, seconds)


def unready(url: str, seconds: float = ANSWER_SECONDS) -> str:
    """Say what an address on this machine answers instead of well; empty when it is well."""
    try:
        told = httpx.get(url, timeout=seconds, trust_env=False)
    except (httpx.TransportError, httpx.UnsupportedProtocol):
        return "it does not answer"
    return "" if told.is_success else "; ".join(told.text.split("\n")).strip("; ")[:300] or f"HTTP {told.status_code}"


def draw_secret() -> str:
    """Draw a key for an account that only exists on this machine."""
    return secrets.token_urlsafe(24)
