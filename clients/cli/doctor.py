"""`oms doctor`: what is wrong with this installation, and the mend."""

import asyncio
import contextlib
import shutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import typer

from clients import task_queues
from clients.cli.session import find_installation, out, where
from clients.installation import unready
from clients.run_file import read_run_file
from clients.settings import LabelSettings
from clients.temporal import connect
from connectors import registry
from domain.errors import BadInput, OmsError
from domain.shops import Role
from store.database import Database
from store.keyring import load_keyring
from store.reads.proof import ProofReads
from store.reads.stock_audit import StockAuditReads
from store.settings import store_settings
from store.shops import Shops

FREE_BYTES = 1_000_000_000
NOBODY_POLLS = "no worker polls: start one (python -m workers.main); orders wait and lose nothing"
NOBODY_READS = "start python -m workers.ocr (make up does); until then waybill numbers are typed by hand"


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One thing looked at; `mend` is empty when it is well."""

    what: str
    found: str
    mend: str = ""


Check = Callable[[], Awaitable[list[Diagnosis]]]


def doctor() -> None:
    """Look at every part of this installation; exit 1 and say the mend when one is ill."""
    results = asyncio.run(_examine())
    for result in results:
        sign, colour = ("ok", "green") if not result.mend else ("ILL", "red")
        out.print(f"[{colour}]{sign:>4}[/{colour}]  {result.what}: {result.found}", highlight=False, soft_wrap=True)
        if result.mend:
            out.print(f"      mend: {result.mend}", highlight=False, soft_wrap=True)
    raise typer.Exit(1 if any(result.mend for result in results) else 0)


async def _examine() -> list[Diagnosis]:
    try:
        find_installation()
        settings = store_settings()
    except OmsError as error:
        return [Diagnosis("installation", str(error), "make up, or set OMS_DATABASE_URL and OMS_KEYRING")]
    database = Database(settings.database_url, pool=2)
    results = _machine()
    checks: list[tuple[str, Check]] = [
        ("key ring", lambda: _keyring(settings.keyring)),
        ("database", lambda: _database(database)),
        ("gateway", _gateway),
        ("worker", _worker),
        ("console", _console),
        ("Temporal", _temporal),
        ("shops", lambda: _shops(database, settings.keyring)),
        ("work", lambda: _work(database)),
        ("stock", lambda: _stock(database)),
    ]
    for name, check in checks:
        try:
            results += await check()
        except OmsError as error:
            results.append(Diagnosis(name, str(error), "start what is missing (make up); the reason is in its log"))
    await database.close()
    return results


def _machine() -> list[Diagnosis]:
    folder = where.data if where.data.exists() else Path()
    free = shutil.disk_usage(folder).free
    mend = "" if free > FREE_BYTES else "free disk space: accepting stops when the database cannot write"
    return [Diagnosis("disk", f"{free / 1e9:.1f} GB free", mend)]


async def _keyring(path: Path) -> list[Diagnosis]:
    ring = load_keyring(path)
    return [Diagnosis("key ring", f"{path}, {len(ring.keys)} keys, primary {ring.primary}")]


async def _database(database: Database) -> list[Diagnosis]:
    from store import migrations  # every other command starts without it

    behind = await migrations.behind(database)
    mend = "start a worker or the gateway of this version: it migrates" if behind else ""
    return [Diagnosis("database", behind or "answers, schema is current", mend)]


async def _gateway() -> list[Diagnosis]:
    return [_process("gateway")]


async def _worker() -> list[Diagnosis]:
    return [_process("worker")]


async def _console() -> list[Diagnosis]:
    return [_process("console")]


def _process(name: str) -> Diagnosis:
    """Ask one of our processes whether it is ready; it says itself what it lacks."""
    with contextlib.suppress(BadInput):
        url = read_run_file(where.data).urls.get(name)
        if url is not None:
            lacks = unready(f"{url}/readyz")
            mend = f"{lacks}; see {where.data / name}.log; make up starts it again" if lacks else ""
            return Diagnosis(name, f"{url} {'is not ready' if lacks else 'is ready'}", mend)
    return Diagnosis(name, "runs elsewhere: ask its /readyz")


async def _temporal() -> list[Diagnosis]:
    client = await connect()
    found = [Diagnosis("Temporal", f"{client.service_client.config.target_host} answers")]
    for queue in await task_queues.queues(client, labels=LabelSettings().labels):
        mend = "" if queue.pollers else NOBODY_READS if queue.labels else NOBODY_POLLS
        found.append(Diagnosis(f"workers of {queue.name}", f"{len(queue.pollers)} pollers", mend))
    return found


async def _shops(database: Database, keyring: Path) -> list[Diagnosis]:
    shops = await Shops(database, load_keyring(keyring)).all()
    found = []
    for role in Role:
        have = [f"{shop.vendor}/{shop.code}" for shop in shops if shop.role is role]
        needed = role is not Role.PAYMENT  # platforms collect the money themselves; an own shop may
        mend = "connect one: oms shop add --help" if needed and not have else ""
        found.append(Diagnosis(f"{role.value} accounts", ", ".join(have) or "none", mend))
    for shop in shops:
        if missing := registry.missing(shop):
            found.append(Diagnosis(f"{shop.vendor}/{shop.code}", "is incomplete", "; ".join(missing)))
    return found


async def _work(database: Database) -> list[Diagnosis]:
    work = await ProofReads(database).work()
    found = [Diagnosis("open work", f"{work.open} orders, {work.waiting} observations, {work.undelivered} events")]
    if work.failed:
        words = "reasons: oms inbox list --state failed; mend, then oms inbox replay --failed"
        found.append(Diagnosis("observations", f"{work.failed} could not be booked", words))
    if work.unmapped:
        words = "which codes: oms alert list; say what they mean: oms settings activate status_map --help"
        found.append(Diagnosis("status map", f"{work.unmapped} messages wait for the meaning of a code", words))
    if work.unparsable:
        words = "reasons: oms inbox list --state unparsable; after the mend, oms inbox replay ID"
        found.append(Diagnosis("messages", f"{work.unparsable} cannot be read", words))
    return found


async def _stock(database: Database) -> list[Diagnosis]:
    skus, wrong = await StockAuditReads(database).now()
    named = ", ".join(one.sku for one in wrong[:5])
    mend = f"counters differ from what is open: {named}; oms stock audit --repair" if wrong else ""
    return [Diagnosis("stock", f"{skus} SKUs, {len(wrong)} with wrong counters", mend)]
