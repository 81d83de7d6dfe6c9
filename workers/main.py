"""The worker process: `python -m workers.main`. Owns start, the set of running tasks, and a clean stop."""

import asyncio
import contextlib
import os
import signal
import sys
from dataclasses import dataclass, field

import httpx
import structlog
import uvloop
from temporalio.client import Client

from clients.clock import utc_now
from clients.logs import set_up_logs
from clients.memory import settle
from clients.temporal import connect, ensure_drain, ensure_pull
from clients.temporal_audit import ensure_audit
from clients.temporal_completeness import ensure_ledger, source_of
from clients.temporal_stock import ensure_count_schedule
from clients.tracing import Tracing
from connectors import registry
from connectors.platforms.own import NOTICE_URL
from connectors.transport import PooledTransport
from domain.completeness import RollSource
from domain.errors import Broken, OmsError, Unavailable
from domain.invoices import RED_LETTER
from domain.mail import LETTERS
from domain.messages import MESSAGE
from domain.outgoing import Queue
from domain.pulling import CASES, ORDERS, PullSource, paced
from domain.shops import Role, Shop
from domain.stock_push import STOCK
from store import migrations, places, settings_docs
from store.case_channel import KIND as CASE_ANSWERS
from store.database import Database
from store.keyring import load_keyring
from store.presale_news import PROMISE
from store.settings import store_settings
from store.shops import Shops
from workers import metrics
from workers.apply import apply_forever
from workers.call_limits import CallLimits
from workers.connections import Connections
from workers.deliver import deliver_forever
from workers.engine import Oversize, runtime
from workers.health import Page, serve
from workers.processes import wake_forever
from workers.queues import Queues
from workers.settings import WorkerSettings
from workers.stock import stock_loops
from workers.sweep import sweep_forever
from workers.timing import TimingInForce
from workers.upkeep import Upkeep
from workers.watch import Watch
from workers.wiring import CONNECTIONS, Parts, bulkheads, message_queues, orders_worker, shops_worker

log = structlog.get_logger("worker")
SHOPS_LOOK_SECONDS = 2.0
QUEUES_OF_ROLE = {
    Role.SALES: ("writeback", "reread", CASE_ANSWERS),
    Role.COURIER: ("subscribe", "track"),
    Role.WAREHOUSE: ("inquire", "entry", "return", "return_query"),
    Role.PAYMENT: ("refund", "payment"),
    Role.MESSAGES: (MESSAGE,),
    Role.INVOICES: (RED_LETTER,),
    Role.MAIL: (LETTERS,),
}


async def main() -> None:
    """Connect, migrate, run until SIGTERM or SIGINT, then let running steps finish."""
    settings, where, tracing = WorkerSettings(), store_settings(), Tracing("worker")
    database = Database(where.database_url, where.database_pool)
    await migrations.upgrade(database)
    async with database.transaction() as tx:
        await settings_docs.seed(tx, utc_now())
        timing = await settings_docs.timing(tx, settings.profile)
    async with httpx.AsyncClient(transport=PooledTransport(CONNECTIONS)) as http:
        oversize = Oversize()
        client = await _patiently(settings, tracing, oversize)
        ring = load_keyring(where.keyring)
        parts = Parts(client, database, ring, http, timing, settings, bulkheads(timing))
        await _run(parts, Watch(client, database, settings.profile, oversize))
    await database.close()
    await asyncio.to_thread(tracing.end)


async def _patiently(settings: WorkerSettings, tracing: Tracing, oversize: Oversize) -> Client:
    """Connect to Temporal; wait for it as long as it takes."""
    sdk = runtime(settings.metrics_address, oversize)
    while True:
        try:
            return await connect(sdk, tracing.plugins)
        except Unavailable as error:
            log.warning("waiting for Temporal", reason=error.reason)
            await asyncio.sleep(1)


async def _run(parts: Parts, watch: Watch) -> None:
    stop = asyncio.Event()
    for word in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(word, stop.set)
    queues = Queues(parts.database, parts.ring, message_queues(parts), utc_now)
    health = await serve(parts.settings.health_address, pages(watch, queues))
    async with orders_worker(parts), shops_worker(parts):
        profile = parts.settings.profile
        timing = TimingInForce(parts.database, profile, parts.timing)
        tasks: list[asyncio.Task[None]] = [asyncio.create_task(_keep_drains(parts)), asyncio.create_task(timing.keep())]
        for _ in range(parts.settings.apply_tasks):
            tasks.append(asyncio.create_task(apply_forever(parts.database, parts.ring, timing, profile)))
        for _ in range(parts.settings.deliver_tasks):
            tasks.append(asyncio.create_task(deliver_forever(parts.client, parts.database, timing)))
        tasks.append(asyncio.create_task(wake_forever(parts.client, parts.database, timing)))
        tasks.append(asyncio.create_task(sweep_forever(parts.database, timing, profile)))
        tasks += [asyncio.create_task(loop) for loop in stock_loops(parts.database, timing, profile)]
        tasks.append(asyncio.create_task(watch.keep()))
        tasks.append(asyncio.create_task(queues.keep()))
        tasks.append(asyncio.create_task(Connections(parts.client, parts.database, profile).keep()))
        tasks.append(asyncio.create_task(CallLimits(parts.database, profile, parts.bulkheads.tally).keep()))
        tasks.append(asyncio.create_task(Upkeep(parts.client, parts.database, parts.settings.profile).keep()))
        settle()
        log.info("worker runs", pid=os.getpid())
        await _until_stopped(stop, tasks)
    if health is not None:
        health.close()


def pages(watch: Watch, queues: Queues) -> dict[str, Page]:
    """Say what the worker's own address answers."""

    def ready() -> tuple[int, str]:
        reasons = watch.unfit(utc_now())
        return (503, "\n".join(reasons) + "\n") if reasons else (200, "ready\n")

    def figures() -> tuple[int, str]:
        now = utc_now()
        told = metrics.text(watch.figures, watch.age_seconds(now), not watch.unfit(now))
        return 200, told + metrics.of_queues(queues.takings.values(), now)

    return {"/healthz": lambda: (200, "alive\n"), "/readyz": ready, "/metrics": figures}


async def _until_stopped(stop: asyncio.Event, tasks: list[asyncio.Task[None]]) -> None:
    """Wait for the stop; a loop that dies of a bug ends the process, so that it is noticed and restarted."""

    async def wait() -> None:
        await stop.wait()

    waiter = asyncio.create_task(wait())
    done, _ = await asyncio.wait([waiter, *tasks], return_when=asyncio.FIRST_COMPLETED)
    for task in (waiter, *tasks):
        task.cancel()
    await asyncio.gather(waiter, *tasks, return_exceptions=True)
    for task in done - {waiter}:
        task.result()


@dataclass
class Kept:
    """What this process has started and scheduled for shops, and whose row it has complained of."""

    running: set[Queue] = field(default_factory=set)
    pulled: dict[PullSource, bool] = field(default_factory=dict)
    proven: set[RollSource] = field(default_factory=set)
    told: set[str] = field(default_factory=set)


async def _keep_drains(parts: Parts) -> None:
    """Start the drains of every shop, also of one that was added a moment ago."""
    shops = Shops(parts.database, parts.ring)
    kept, counted, audited = Kept(), set[str](), False
    while True:
        with contextlib.suppress(Unavailable):
            for shop in await shops.all():
                try:
                    await _keep_shop(parts, shop, kept)
                except Broken as error:  # one row that cannot be used stops no other shop
                    if error.reason not in kept.told:
                        log.error("shop is not kept", vendor=shop.vendor, shop=shop.code, reason=error.reason)
                    kept.told.add(error.reason)
            await _keep_counts(parts, counted)
            if not audited:
                await ensure_audit(parts.client, parts.timing.loop.audit_period_seconds)
                audited = True
        await asyncio.sleep(SHOPS_LOOK_SECONDS)


async def _keep_shop(parts: Parts, shop: Shop, kept: Kept) -> None:
    """Start one shop's drains, and schedule its pulls and its ledger."""
    # A shop without this address is never told of a later promise: no drain for it.
    for kind in (*queues_of(shop), *([PROMISE] if shop.params.get(NOTICE_URL) else [])):
        queue = Queue(kind, shop.vendor, shop.code)
        if queue not in kept.running:
            await ensure_drain(parts.client, queue, parts.timing.loop)
            kept.running.add(queue)
    await _keep_pull(parts, shop, kept.pulled)
    await _keep_ledger(parts, shop, kept.proven)


def queues_of(shop: Shop) -> tuple[str, ...]:
    """Name the queues of a shop; one of stock only where the shop can be told (INV-6)."""
    stock = (STOCK,) if registry.takes_stock(shop.vendor, shop.params) else ()
    return QUEUES_OF_ROLE[shop.role] + stock


async def _keep_pull(parts: Parts, shop: Shop, pulled: dict[PullSource, bool]) -> None:
    """Schedule the pulls of a shop whose vendor has a list of changes, of orders (INT-2) or of after-sales cases.

    Their switch takes effect (INT-17).
    """
    on = shop.backup or registry.vendor(shop.vendor).inbound is None  # the only way in cannot be switched off
    for kind, rules in ((ORDERS, registry.pull_rules(shop)), (CASES, registry.case_rules(shop))):
        if rules is None:
            continue
        timing = paced(parts.timing.pull, rules, pushes=registry.pushes(shop.vendor))
        source = PullSource(shop.vendor, shop.code, rules, timing, kind)
        if pulled.get(source) is not on:
            await ensure_pull(parts.client, source, on=on)
            pulled[source] = on


async def _keep_ledger(parts: Parts, shop: Shop, proven: set[RollSource]) -> None:
    """Schedule the ledger of a shop that can be asked which orders it has (INT-9)."""
    source = source_of(shop, parts.timing)
    if source is not None and source not in proven:
        await ensure_ledger(parts.client, source)
        proven.add(source)


async def _keep_counts(parts: Parts, counted: set[str]) -> None:
    """Schedule the count of every warehouse that has a system to be asked (INV-10)."""
    async with parts.database.transaction() as tx:
        found = [place.code for place in (await places.all_places(tx)).values() if place.has_wms]
    for code in found:
        if code not in counted:
            await ensure_count_schedule(parts.client, code, parts.timing.count)
            counted.add(code)


def run() -> None:
    """Run the process; exit at once afterwards, for the SDK may abort in a normal interpreter exit."""
    set_up_logs()
    code = 0
    try:
        uvloop.run(main())
    except OmsError as error:
        log.error("worker cannot run", reason=str(error))
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    run()
