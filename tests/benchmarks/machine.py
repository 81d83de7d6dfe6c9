"""Servers of one measure, and what processes cost: CPU and memory as the kernel counts them."""

import asyncio
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles
from typing import Any

import httpx
from temporalio.client import Client

from clients.clock import utc_now
from clients.embedded import NAMESPACE, EmbeddedPostgres, EmbeddedTemporal, Ports, child_of_ours, end
from clients.installation import answers
from clients.settings import inherited
from store import migrations, settings_docs
from store.database import Database
from store.keyring import KeyRing, create_keyring
from tests.workflows.house import eventually

TICK_MS = 1000 / os.sysconf("SC_CLK_TCK")
POOL = 16
READY_SECONDS = 120.0


@dataclass(frozen=True)
class Servers:
    """A durable PostgreSQL and Temporal with its history in a file, both empty and of this measure alone."""

    folder: Path
    postgres: EmbeddedPostgres
    temporal: EmbeddedTemporal
    client: Client
    database: Database
    ring: KeyRing

    def environment(self, **more: str) -> dict[str, str]:
        """Give what a process of the product needs to find them."""
        return inherited() | {
            "OMS_DATABASE_URL": self.postgres.url,
            "OMS_KEYRING": str(self.folder / "keyring.json"),
            "TEMPORAL_ADDRESS": self.temporal.address,
            **more,
        }

    def cpu_ms(self) -> dict[str, float]:
        """Say what each part has used so far: this process, Temporal, PostgreSQL with all its backends."""
        own = resource.getrusage(resource.RUSAGE_SELF)
        temporal = self.temporal.process
        return {
            "worker": (own.ru_utime + own.ru_stime) * 1000,
            "temporal": process_ms(temporal.pid) if temporal else 0.0,
            "postgresql": tree_ms(self.postgres.pid()),
        }


@asynccontextmanager
async def servers() -> AsyncIterator[Servers]:
    """Start both, bring the schema up to date, end both."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ports = Ports(folder)
        postgres, temporal = EmbeddedPostgres(folder, ports), EmbeddedTemporal(folder, ports)
        database = Database(postgres.start(), POOL)
        try:
            client = await Client.connect(temporal.start(), namespace=NAMESPACE)
            await migrations.upgrade(database)
            async with database.transaction() as tx:
                await settings_docs.seed(tx, utc_now())
            yield Servers(folder, postgres, temporal, client, database, create_keyring(folder / "keyring.json"))
        finally:
            await database.close()
            temporal.stop()
            postgres.stop()


@asynccontextmanager
async def process(module: str, environment: dict[str, str], log: Path, *arguments: str) -> AsyncIterator[int]:
    """Run one process of the product beside us; give its id."""
    with log.open("ab") as out:
        command = child_of_ours([sys.executable, "-m", module, *arguments])
        started = subprocess.Popen(command, env=environment, stdout=out, stderr=out)
    try:
        yield started.pid
    finally:
        await asyncio.to_thread(end, started)


async def ready(url: str) -> None:
    """Wait until a process answers."""

    async def there() -> bool:
        return await asyncio.to_thread(answers, url)

    async def show() -> str:
        return f"no answer from {url}"

    await eventually(there, show, look_seconds=0.1, patience_seconds=READY_SECONDS)


async def get(url: str) -> Any:
    """Ask for JSON."""
    async with httpx.AsyncClient(trust_env=False, timeout=READY_SECONDS) as http:
        return (await http.get(url)).raise_for_status().json()


async def post(url: str) -> None:
    """Tell something to do."""
    async with httpx.AsyncClient(trust_env=False, timeout=READY_SECONDS) as http:
        (await http.post(url)).raise_for_status()


def process_ms(pid: int, *, with_ended_children: bool = False) -> float:
    """CPU of one process in ms, user and system, all threads; on request with the children it has waited for."""
    fields = _stat(pid)
    return sum(int(one) for one in fields[11 : 15 if with_ended_children else 13]) * TICK_MS


def tree_ms(pid: int) -> float:
    """CPU of a process and of all its children, living and ended, in ms."""
    living = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    children = [one for one in living if _parent(one) == pid]
    return process_ms(pid, with_ended_children=True) + sum(process_ms(one) for one in children if _parent(one) == pid)


def resident_kb(pid: int) -> int:
    """Memory of a process that is in RAM."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))


def percentiles(took: list[float]) -> tuple[float, float]:
    """p50 and p99."""
    steps = quantiles(took, n=100, method="inclusive")
    return round(steps[49], 1), round(steps[98], 1)


def _parent(pid: int) -> int:
    try:
        return int(_stat(pid)[1])
    except (FileNotFoundError, ProcessLookupError):  # it has ended since we saw it
        return 0


def _stat(pid: int) -> list[str]:
    """Give the fields of /proc/pid/stat from the third on: the name before them may hold blanks."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
