"""Orders on their way in: how soon one that is placed has its workflow, and a crowd at the gateway beside pulls.

A simulated world of six shops with all processes, in the timing that an installation has; only the period of the pulls
is shortened, or there would be nothing to see. Buyers come at a moderate pace all the time. First the time from a
platform's own moment of an order to the start of its workflow, by push and by pull; then a crowd at another shop's
address, while the pulls go on.
"""

import asyncio
import json
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from statistics import median
from typing import Any

from sqlalchemy import text

from clients.cli.demo_facts import DemoPlan
from clients.cli.demo_setup import Sides, connect, sides, stock_up, write_config
from clients.cli.demo_shops import Marketplace, accounts
from clients.clock import utc_now
from clients.embedded import free_port
from domain.orders import workflow_id
from domain.shops import Role, Shop
from store import settings_docs
from store.settings_versions import Change, SettingVersions
from store.shops import Shops
from store.stock_on_hand import Shelf, set_on_hand
from tests.benchmarks.full import CALM
from tests.benchmarks.intake import Load
from tests.benchmarks.machine import Servers, get, percentiles, post, process, ready, servers
from tests.workflows.house import eventually

PERIODS, PERIOD_SECONDS = ("pull_period_seconds", "pull_beside_push_seconds"), 6.0
BUYERS_PER_SECOND, WATCHED_SECONDS, BUYERS = 2.0, 20.0, 160
CROWD, WARM_UP, PACED_PER_SECOND, PACED_AT_ONCE = 12_000, 200, 300, 2_700
PATIENCE_SECONDS = 120.0
PULLED = (
    Marketplace("taobao", "tm", 0.15, "pull"),
    Marketplace("jd", "jd", 0.15, "pull"),
    Marketplace("douyin", "dy-pull", 0.15, "pull, push dead", push_dead=True),
    Marketplace("shopify", "sf-pull", 0.1, "pull, push dead", push_dead=True),
)
PUSHING = (
    Marketplace("douyin", "dy-push", 0.15, "push, lists dead", pull_dead=True),
    Marketplace("shopify", "sf-push", 0.1, "push, lists dead", pull_dead=True),
)
CROWDED = Shop("own", "s", Role.SALES, "Asia/Shanghai", "CNY", "http://127.0.0.1:1", "k", ("secret",))
_PLACED = text("SELECT no, key, channel, shop, placed_at FROM orders WHERE no = ANY(:nos) AND started_at IS NOT NULL")
_PULLS = text("SELECT vendor || '/' || shop AS account, pulled_at FROM pull WHERE kind = 'order'")
_CAME = text(
    """
    SELECT count(*) FILTER (WHERE i.way = 'push') AS pushed, count(*) FILTER (WHERE i.way <> 'push') AS pulled
    FROM observation o JOIN inbox i ON i.id = o.inbox_id WHERE i.received_at > :since
    """
)
_CROWD = text("SELECT count(*) FROM inbox WHERE source = 'own' AND shop = 's'")


@dataclass(frozen=True)
class World:
    """Where the processes listen."""

    simulator: str
    gateway_port: int


async def measure() -> dict[str, Any]:
    """Take both measures in one world, one after the other."""
    async with servers() as hosts:
        await _settle_timing(hosts)
        plan = DemoPlan(9, BUYERS, calm=True, rate=BUYERS_PER_SECOND)
        both = replace(sides(plan), accounts=accounts((*PULLED, *PUSHING)))
        async with _world(hosts, both) as world:
            await post(f"{world.simulator}/sim/start")
            await asyncio.sleep(WATCHED_SECONDS)
            soon = await _how_soon(hosts, (await get(f"{world.simulator}/sim/books"))["orders"])
            return soon | await _crowd(hosts, world)


async def _settle_timing(hosts: Servers) -> None:
    """Put a timing in force that is an installation's, but for the period of the pulls."""
    body = json.loads((settings_docs.DEFAULTS / "timing.json").read_text())
    periods = {
        name: body[name] | {"live": PERIOD_SECONDS} for name in ("pull_period_seconds", "pull_beside_push_seconds")
    }
    change = Change("bench", "pulls that can be waited for", utc_now(), 1)
    await SettingVersions(hosts.database).activate("timing", body | periods, change)


@asynccontextmanager
async def _world(hosts: Servers, both: Sides) -> AsyncIterator[World]:
    """Run simulator, gateway and worker, connected and stocked."""
    path, log = hosts.folder / "simulator.json", hosts.folder / "incoming.log"
    world = World(f"http://127.0.0.1:{(port := free_port())}", free_port())
    gateway = f"http://127.0.0.1:{world.gateway_port}"
    config = both.config(port, gateway) | {"pay": None}
    write_config(path, config | {"profile": config["profile"] | CALM})
    environment = hosts.environment(OMS_GATEWAY_PORT=str(world.gateway_port))
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(process("simulator", environment, log, "--config", str(path)))
        await ready(f"{world.simulator}/sim/health")
        await connect(both, environment, world.simulator, gateway)
        parts = ("catalogue", "bundles", "listings")
        await stock_up(environment, {part: await get(f"{world.simulator}/sim/{part}") for part in parts})
        await Shops(hosts.database, hosts.ring).add(CROWDED, None, utc_now())
        async with hosts.database.transaction() as tx:
            for sku in ("TEE", "CAP"):
                await set_on_hand(tx, Shelf("GZ01", sku, sku), 100_000, utc_now())
        for module in ("clients.gateway", "workers.main"):
            await stack.enter_async_context(process(module, environment, log))
        await ready(f"{gateway}/readyz")
        await eventually(lambda: _all_pulled(hosts), lambda: _pulled_at(hosts), 0.2, PATIENCE_SECONDS)
        yield world


async def _pulled_at(hosts: Servers) -> dict[str, datetime]:
    async with hosts.database.transaction() as tx:
        return {row.account: row.pulled_at for row in await tx.execute(_PULLS) if row.pulled_at}


async def _all_pulled(hosts: Servers) -> bool:
    return {f"{one.vendor}/{one.code}" for one in PULLED} <= (await _pulled_at(hosts)).keys()


async def _idle_since(hosts: Servers, before: dict[str, datetime]) -> list[str]:
    """Name the pulled shops of which no pull has ended since then."""
    after, pulled = await _pulled_at(hosts), {f"{one.vendor}/{one.code}" for one in PULLED}
    return sorted(account for account in pulled if after[account] <= before[account])


async def _how_soon(hosts: Servers, books: dict[str, Any]) -> dict[str, Any]:
    """Wait for the workflow of every order there is by now; say how long after the order each of them began."""
    rows: list[Any] = []

    async def all_began() -> bool:
        async with hosts.database.transaction() as tx:
            rows[:] = (await tx.execute(_PLACED, {"nos": list(books)})).all()
        return len(rows) == len(books)

    async def show() -> str:
        return f"{len(rows)} of {len(books)} began; not {sorted(books.keys() - {row.no for row in rows})[:5]}"

    await eventually(all_began, show, look_seconds=0.2, patience_seconds=PATIENCE_SECONDS)
    took: dict[str, list[float]] = defaultdict(list)
    pulled = {(one.vendor, one.code) for one in PULLED}
    for row in rows:
        began = (await hosts.client.get_workflow_handle(workflow_id(row.key)).describe()).start_time
        way = "pull" if (row.channel, row.shop) in pulled else "push"
        took[way].append((began - row.placed_at).total_seconds())
        took[f"{row.channel}/{row.shop}"].append(took[way][-1])
    return {
        "soon_orders": {way: len(took[way]) for way in ("push", "pull")},
        "push_median_seconds": round(median(took["push"]), 2),
        "push_most_seconds": round(max(took["push"]), 2),
        "pull_median_seconds": round(median(took["pull"]), 2),
        "pull_most_seconds": round(max(took["pull"]), 2),
        "pull_period_seconds": PERIOD_SECONDS,
        "soon_by_shop": {name: round(median(one), 2) for name, one in sorted(took.items()) if "/" in name},
    }


async def _crowd(hosts: Servers, world: World) -> dict[str, Any]:
    """Send as fast as answers come, then paced until every pulled shop has ended a pull meanwhile."""
    load = Load(world.gateway_port)
    await load.send(load.messages(WARM_UP))
    messages = load.messages(CROWD)
    before, since = await _pulled_at(hosts), utc_now()
    seconds = await load.send(messages)
    sent, (p50, p99) = len(load.took_ms), percentiles(load.took_ms)
    took_ms: list[float] = []
    paced_seconds, began = 0.0, time.perf_counter()
    while (idle := await _idle_since(hosts, before)) or not took_ms:
        if time.perf_counter() - began > PATIENCE_SECONDS:
            raise AssertionError(f"{idle} ended no pull in {PATIENCE_SECONDS:.0f} s beside the crowd: no such measure")
        paced_seconds += await load.send(load.messages(PACED_AT_ONCE), PACED_PER_SECOND)
        took_ms += load.took_ms
    paced_rate, (paced_p50, paced_p99) = len(took_ms) / paced_seconds, percentiles(took_ms)
    async with hosts.database.transaction() as tx:
        stored = (await tx.execute(_CROWD)).scalar_one()
        came = (await tx.execute(_CAME, {"since": since})).one()
    if load.refused or stored != (said := WARM_UP + sent + len(took_ms)):
        raise AssertionError(f"{load.refused} refused; {said} were said to be accepted and {stored} are stored")
    if not came.pulled:
        raise AssertionError("nothing was pulled meanwhile: no such measure")
    return {
        "beside_pulls_accepted_per_second": round(sent / seconds, 1),
        "beside_pulls_p50_ms": p50,
        "beside_pulls_p99_ms": p99,
        "beside_pulls_paced_per_second": round(paced_rate, 1),
        "beside_pulls_paced_p50_ms": paced_p50,
        "beside_pulls_paced_p99_ms": paced_p99,
        "pulled_meanwhile": came.pulled,
        "pushed_meanwhile": came.pushed,
    }
