"""What the console's pages cost in the store at a hundred thousand orders (OPS-6): server time per call."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from statistics import quantiles
from typing import Any

from clients.clock import utc_now
from clients.embedded import EmbeddedPostgres, Ports
from store import migrations
from store.database import Database
from store.keyring import create_keyring
from store.reads.order_list import OrderFilter, OrderList
from store.reads.order_page import OrderPages
from store.reads.order_search import OrderSearch
from store.reads.overview import OverviewReads
from store.reads.pages import Place
from store.reads.timeline import timeline
from tests.benchmarks.console_stock import measure_stock
from tests.benchmarks.crowd import Sample, build

CALLS = 240
"""Calls per page and filter; of a filter's calls half ask for its first page, half for one deep in the list."""
DEEP_ROWS = 1000
MOST_MS = 300

Ask = Callable[[int], Awaitable[Any]]


def filters(now: datetime) -> dict[str, OrderFilter]:
    """Every filter of the list, and those that are used together."""
    late = OrderFilter(due_before=now + timedelta(hours=8))
    return {
        "all": OrderFilter(),
        "status": OrderFilter(status="paid"),
        "completed": OrderFilter(status="completed"),
        "channel": OrderFilter(channel="jd"),
        "shop": OrderFilter(channel="own", shop="shop6"),
        "stuck": OrderFilter(stuck=True),
        "held": OrderFilter(held=True),
        "late": late,
        "waits": OrderFilter(wait_for="warehouse"),
        "placed": OrderFilter(placed_from=now - timedelta(days=40), placed_to=now - timedelta(days=39)),
        "placed since": OrderFilter(placed_from=now - timedelta(days=30)),
        "late of a shop": replace(late, channel="taobao", shop="shop2"),
        "stuck of a status": OrderFilter(status="shipped", stuck=True),
        "channel and time": OrderFilter(channel="jd", placed_to=now - timedelta(days=80)),
        "none": OrderFilter(status="unpaid", channel="jd", held=True),
    }


async def measure(folder: Path) -> dict[str, float]:
    """Build the crowd on a database of this run, time every page, print, and give the three figures."""
    postgres = EmbeddedPostgres(folder, Ports(folder), durable=False)
    database = Database(postgres.start(), pool=4)
    await migrations.upgrade(database)
    ring, now = create_keyring(folder / "keyring.json"), utc_now()
    started = time.monotonic()
    samples = await build(database, ring, now)
    print(f"{'orders built in':>24} {time.monotonic() - started:.1f} s")
    search, pages, overview = OrderSearch(database, ring), OrderPages(database), OverviewReads(database)
    lists = OrderList(database)

    async def page(n: int) -> None:
        found = await pages.page(samples[n % len(samples)].key)
        assert found is not None
        timeline(found)

    pasted = [words for one in samples for words in _pasted(one)]
    figures = {
        "list_p95_ms": await _lists(lists, now),
        "search_p95_ms": await _timed("search", lambda n: search.find(pasted[n % len(pasted)])),
        "order_page_p95_ms": await _timed("order page", page),
        "overview_p95_ms": await _timed("overview", lambda n: overview.now(now, now + timedelta(hours=8))),
        "counts_p95_ms": await _timed("counts", lambda n: lists.counts(now, now + timedelta(hours=8))),
    } | await measure_stock(database, _timed)
    await database.close()
    postgres.stop()
    for name, value in figures.items():
        print(f"{name:>24} {value}{'' if value <= MOST_MS else f'  MORE THAN {MOST_MS}'}")
    return figures


async def _lists(lists: OrderList, now: datetime) -> float:
    """Time every filter, its first page and a deep one; give the worst p95."""
    worst = 0.0
    for name, wanted in filters(now).items():
        deep = Place((await lists.page(wanted, rows=DEEP_ROWS)).next)
        places = [Place(), deep]
        worst = max(worst, await _timed(f"list: {name}", partial(_page, lists, wanted, places)))
    return worst


async def _page(lists: OrderList, wanted: OrderFilter, places: list[Place], n: int) -> None:
    await lists.page(wanted, places[n % len(places)])


def _pasted(one: Sample) -> list[str]:
    """What people paste about an order; the last one is a whole column of a table."""
    column = "\n".join(f"{one.no[:-2]}{n:02d}" for n in range(50))
    return [one.no, one.key, f"{one.no}-1", one.waybill_no, one.phone, one.buyer, one.no[:12], "nothing", column]


async def _timed(name: str, ask: Ask) -> float:
    """Time calls, print p50 and p95, give p95 in milliseconds."""
    took = []
    for n in range(CALLS):
        started = time.perf_counter()
        await ask(n)
        took.append((time.perf_counter() - started) * 1000)
    steps = quantiles(took, n=20)
    print(f"{name:>24} p50 {steps[9]:7.1f} ms  p95 {steps[18]:7.1f} ms")
    return round(steps[18], 1)
