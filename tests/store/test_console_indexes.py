"""Every filter, search and page of the console finds its rows by an index (OPS-6). The planner itself says so."""

import json
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event

from store.database import Database
from store.keyring import KeyRing
from store.reads.alerts import AlertFilter, AlertReads
from store.reads.inbox import InboxReads, MessageFilter
from store.reads.order_list import OrderList
from store.reads.order_page import OrderPages
from store.reads.order_search import OrderSearch
from store.reads.overview import OverviewReads
from store.reads.pages import Place
from store.reads.shops import ShopReads
from store.reads.stock import StockReads
from tests.benchmarks.console import filters
from tests.benchmarks.crowd import ORDERS, Sample, build
from tests.conftest import NOON

FEW = 3000
LARGE = {
    "orders",
    "order_line",
    "contact",
    "fulfillment",
    "parcel",
    "trace",
    "audit",
    "inbox",
    "observation",
    "outgoing",
}
TONIGHT = NOON + timedelta(hours=12)
SERVED_BY = {
    "all": {"ix_orders_turn"},
    "status": {"ix_orders_status_turn"},
    "completed": {"ix_orders_status_turn", "ix_orders_turn"},
    "channel": {"ix_orders_channel_turn"},
    "shop": {"ix_orders_shop_turn"},
    "stuck": {"ix_orders_stuck"},
    "held": {"ix_orders_held"},
    "late": {"ix_orders_turn"},
    "waits": {"ix_orders_waits"},
    "placed": {"ix_orders_placed_at"},
}
"""The indexes that may find the rows of each filter when it is given alone; nearly all closed orders are completed.
Among many orders the planner may also walk down the list itself, where a filter leaves out little."""

Plan = dict[str, Any]
Told = list[tuple[str, tuple[Any, ...]]]


@contextmanager
def overheard(database: Database) -> Iterator[Told]:
    """Note every statement that is sent in the meantime, with its values."""
    told: Told = []

    def note(connection: Any, cursor: Any, statement: str, values: Any, *rest: Any) -> None:
        told.append((statement, tuple(values)))

    event.listen(database.engine.sync_engine, "before_cursor_execute", note)
    yield told
    event.remove(database.engine.sync_engine, "before_cursor_execute", note)


async def plans(database: Database, asked: Awaitable[Any], seqscan: bool) -> list[Plan]:
    """Let something be asked, then say how the planner answers each of its statements."""
    with overheard(database) as told:
        await asked
    found: list[Plan] = []
    async with database.transaction() as tx:
        await tx.exec_driver_sql(f"SET LOCAL enable_seqscan = {'on' if seqscan else 'off'}")
        for statement, values in told:
            answer = (await tx.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {statement}", values)).scalar_one()
            found += nodes((json.loads(answer) if isinstance(answer, str) else answer)[0]["Plan"])
    return found


BY_ITSELF = {"ix_orders_turn", "uq_orders_channel_shop_no", "ix_orders_shop_created_at"}
"""What the planner may also choose when it is free to: a walk by turn, or the orders of a small shop by another key."""


def nodes(plan: Plan) -> list[Plan]:
    return [plan, *(node for child in plan.get("Plans", []) for node in nodes(child))]


def read_whole(found: list[Plan]) -> set[str]:
    """Name the large tables that are read from end to end."""
    return {node["Relation Name"] for node in found if node["Node Type"] == "Seq Scan"} & LARGE


def indexes(found: list[Plan], table: str) -> set[str]:
    ours = (f"ix_{table}_", f"uq_{table}_")
    return {node["Index Name"] for node in found if node.get("Index Name", "").startswith(ours)}


@pytest.fixture
async def few(fresh: Database, ring: KeyRing) -> tuple[Database, list[Sample]]:
    """A small crowd, with a planner that reads a whole table only where no index serves."""
    return fresh, await build(fresh, ring, NOON, FEW)


async def check_all(database: Database, ring: KeyRing, samples: list[Sample], seqscan: bool) -> None:
    """Ask everything that the console asks; name what is read from end to end."""
    lists, search, one = OrderList(database), OrderSearch(database, ring), samples[0]
    for name, wanted in filters(NOON).items():
        first = await plans(database, lists.page(wanted), seqscan)
        assert not read_whole(first), name
        used = indexes(first, "orders")
        assert used, name
        assert used <= SERVED_BY.get(name, used) | (BY_ITSELF if seqscan else set()), name
        page = await lists.page(wanted, rows=5)
        if page.next:
            assert not read_whole(await plans(database, lists.page(wanted, Place(page.next)), seqscan)), name
            back = Place(page.next, back=True)
            assert not read_whole(await plans(database, lists.page(wanted, back), seqscan)), name
    words = [one.no, one.key, one.waybill_no, f"{one.no}-1", one.phone, one.buyer, one.no[:8]]
    asked: dict[str, Awaitable[Any]] = {word: search.find(word) for word in [*words, "\n".join(words)]}
    asked |= {
        "counts": lists.counts(NOON, TONIGHT),
        "overview": OverviewReads(database).now(NOON, TONIGHT),
        "order page": OrderPages(database).page(one.key),
        "open alerts": AlertReads(database).open(AlertFilter()),
        "alerts": AlertReads(database).recent(AlertFilter()),
        "board": StockReads(database).board("SKU-000"),
        "sku": StockReads(database).explain("SKU-00001"),
        "shops": ShopReads(database).board(),
    }
    for state in (None, "accepted", "unparsable", "unverified", "failed"):
        asked[f"messages {state}"] = InboxReads(database).list(MessageFilter(state))
    asked["messages of a shop"] = InboxReads(database).list(MessageFilter(None, "taobao", "shop1"))
    for name, ask in asked.items():
        assert not read_whole(await plans(database, ask, seqscan)), name


async def test_every_page_and_filter_of_the_console_has_an_index_that_serves_it(
    few: tuple[Database, list[Sample]], ring: KeyRing
) -> None:
    database, samples = few
    await check_all(database, ring, samples, seqscan=False)


async def test_a_filter_without_an_index_is_seen(few: tuple[Database, list[Sample]]) -> None:
    database, _ = few
    async with database.transaction() as tx:
        await tx.exec_driver_sql("DROP INDEX ix_orders_channel_turn, ix_orders_turn, ix_orders_placed_at")
    found = await plans(database, OrderList(database).page(filters(NOON)["all"]), seqscan=False)
    assert read_whole(found) == {"orders"}


@pytest.mark.soak
async def test_among_a_hundred_thousand_orders_the_planner_takes_an_index_by_itself(
    fresh: Database, ring: KeyRing
) -> None:
    await check_all(fresh, ring, await build(fresh, ring, NOON, ORDERS), seqscan=True)
