"""The two servers that we bring along: they keep data and ports, and none outlives its parent (OPS-1, INT-4)."""

import asyncio
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import pytest

from clients.embedded import QUIET_PORTS, EmbeddedPostgres, EmbeddedTemporal, Ports, free_port, last_words
from clients.installation import Installation
from clients.run_file import RunFile
from domain.errors import Broken

PATIENCE_SECONDS = 20.0
PARENT = """
import sys, time
from pathlib import Path
from clients.embedded import EmbeddedPostgres, EmbeddedTemporal, Ports
folder = Path(sys.argv[2])
server = {"postgres": EmbeddedPostgres, "temporal": EmbeddedTemporal}[sys.argv[1]](folder, Ports(folder))
server.start()
print(server.process.pid, flush=True)
time.sleep(600)
"""


def until(what: Callable[[], bool]) -> bool:
    """Look again and again until it is so, at most as long as patience lasts."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not what():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def dead(pid: int) -> bool:
    """Say whether a process is gone; one that only waits to be reaped is."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in {"Z", "X"}
    except (FileNotFoundError, ProcessLookupError):
        return True


async def _ask(url: str, *statements: str) -> list[object]:
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    try:
        return [await connection.fetchval(statement) for statement in statements]
    finally:
        await connection.close()


def ask(url: str, *statements: str) -> list[object]:
    """Ask a server; the value of each statement."""
    return asyncio.run(_ask(url, *statements))


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    """A durable server of this module's own."""
    folder = tmp_path_factory.mktemp("durable")
    server = EmbeddedPostgres(folder, Ports(folder))
    server.start()
    yield server
    server.stop()


def test_postgres_starts_again_though_a_backend_outlives_the_kill_of_its_server(tmp_path: Path) -> None:
    """INT-4: whoever is busy notices late that its server is dead, and holds the shared memory until then."""
    server = EmbeddedPostgres(tmp_path, Ports(tmp_path))
    port = server.start() and server.port

    async def freeze() -> int:
        connection = await asyncpg.connect(server.url.replace("+asyncpg", ""))
        backend = int(await connection.fetchval("SELECT pg_backend_pid()"))
        os.kill(backend, signal.SIGSTOP)
        connection.terminate()
        return backend

    backend = asyncio.run(freeze())
    try:
        os.kill(server.pid(), signal.SIGKILL)
        assert until(lambda: not server.alive())
        wakes = threading.Timer(1.5, os.kill, (backend, signal.SIGCONT))
        wakes.start()
        server.start()
        wakes.join()
        assert server.port == port, "the others look for it where it was"
        assert ask(server.url, "SELECT 1") == [1]
    finally:
        server.stop()


def test_postgres_runs_as_this_user_and_answers(running: EmbeddedPostgres) -> None:
    assert running.alive()
    assert ask(running.url, "SELECT 1", "SHOW fsync", "SHOW server_encoding") == [1, "on", "UTF8"]
    # Whoever we are, root included: the files are ours, so that deleting the folder needs nobody else.
    assert (running.data / "PG_VERSION").stat().st_uid == os.geteuid()


def test_the_password_is_for_us_alone_and_is_asked_for(running: EmbeddedPostgres) -> None:
    mode = stat.S_IMODE((running.folder / "postgres.password").stat().st_mode)
    assert mode == 0o600
    user, _, rest = running.url.rpartition("@")
    with pytest.raises(asyncpg.InvalidPasswordError):
        ask(f"{user.rpartition(':')[0]}:wrong@{rest}", "SELECT 1")


def test_a_second_start_on_the_same_folder_says_so(running: EmbeddedPostgres) -> None:
    second = EmbeddedPostgres(running.folder, Ports(running.folder))
    with pytest.raises(Broken, match=rf"already runs .*pid {running.pid()}"):
        second.start()
    second.stop()
    assert running.alive()
    assert ask(running.url, "SELECT 1") == [1]


def test_postgres_keeps_data_password_and_port_over_a_restart(running: EmbeddedPostgres) -> None:
    url = running.url
    ask(url, "CREATE TABLE kept AS SELECT 42 AS n")
    running.stop()
    assert not running.alive()
    assert running.start() == url
    assert ask(url, "SELECT n FROM kept") == [42]


def test_a_killed_postgres_comes_back_with_its_data(running: EmbeddedPostgres) -> None:
    ask(running.url, "CREATE TABLE crashed AS SELECT 7 AS n")
    assert running.process is not None
    os.kill(running.pid(), signal.SIGKILL)
    assert until(lambda: not running.alive())
    running.start()
    assert ask(running.url, "SELECT n FROM crashed") == [7]


def test_a_second_up_leaves_the_first_alone(running: EmbeddedPostgres) -> None:
    RunFile(urls={"gateway": "http://127.0.0.1:1"}).write(running.folder)
    second = Installation(running.folder, "live")
    with pytest.raises(Broken, match="already runs"):
        second.start()
    second.stop()
    assert (running.folder / "run.json").exists()
    assert running.alive()


@pytest.mark.parametrize("server", ["postgres", "temporal"])
def test_a_server_dies_with_its_parent(server: str, tmp_path: Path) -> None:
    command = [sys.executable, "-c", PARENT, server, str(tmp_path)]
    parent = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    try:
        pid = int(parent.stdout.readline())
        assert not dead(pid)
    finally:
        parent.kill()
        parent.wait()
    assert until(lambda: dead(pid))


def test_temporal_keeps_ports_and_data_over_a_restart(tmp_path: Path) -> None:
    server = EmbeddedTemporal(tmp_path, Ports(tmp_path))
    try:
        address, ui = server.start(), server.ui_port
        assert server.alive()
        assert server.database.exists()
        server.stop()
        assert not server.alive()
        again = EmbeddedTemporal(tmp_path, Ports(tmp_path))
        assert again.start() == address
        assert again.ui_port == ui
        again.stop()
    finally:
        server.stop()


def test_ports_are_kept_while_they_are_free(tmp_path: Path) -> None:
    first = Ports(tmp_path).take("gateway")
    assert Ports(tmp_path).take("gateway") == first
    assert Ports(tmp_path).take("other") not in {0, first}


def test_a_port_in_use_is_replaced_and_the_new_one_kept(tmp_path: Path) -> None:
    first = Ports(tmp_path).take("gateway")
    with socket.socket() as other:
        other.bind(("127.0.0.1", first))
        other.listen()
        second = Ports(tmp_path).take("gateway")
        assert second != first
    assert Ports(tmp_path).take("gateway") == second


def test_a_free_port_is_free_and_none_that_the_system_gives_to_outgoing_connections() -> None:
    first, last = map(int, Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split())
    for _ in range(20):
        port = free_port()
        assert port in QUIET_PORTS
        assert not first <= port <= last


def test_a_process_that_ended_is_quoted_with_the_place_to_look(tmp_path: Path) -> None:
    log = tmp_path / "gateway.log"
    log.write_text("Traceback\n  somewhere\nOSError: address already in use\n\n")
    assert last_words(log) == f": OSError: address already in use (see {log})"
    log.write_text("")
    assert last_words(log) == f"; see {log}"


def test_a_server_that_cannot_start_says_where_to_look(tmp_path: Path) -> None:
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "PG_VERSION").write_text("9.6\n")
    (tmp_path / "postgres.password").write_text("x")
    with pytest.raises(Broken, match=r"postgres\.log"):
        EmbeddedPostgres(tmp_path, Ports(tmp_path)).start()
