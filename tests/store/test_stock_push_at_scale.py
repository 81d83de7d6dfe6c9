"""Finding what is due does not depend on how much is listed: the planner says that no table is read whole (INV-6)."""

import json
from collections.abc import Iterator
from typing import Any

from sqlalchemy import text

from domain.outgoing import Queue
from domain.stock_push import Listing, Place
from store import listings
from store.database import Database
from store.stock_push import _CLAIM, _LOOK, SqlStockPushes
from tests.conftest import NOON
from tests.store.builders import change, value

MANY = 20_000
QUEUE = Queue("stock", "taobao", "tm")
LARGE = {"listing", "stock_ledger", "stock_push", "sku_stock"}


def scans(plan: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Every table that a plan reads, and how."""
    if "Relation Name" in plan:
        yield plan["Relation Name"], plan["Node Type"]
    for part in plan.get("Plans", ()):
        yield from scans(part)


async def plan_of(database: Database, statement: str, **values: Any) -> set[tuple[str, str]]:
    async with database.transaction() as tx:
        (row,) = await tx.execute(text(f"EXPLAIN (FORMAT JSON) {statement}"), values)
    told = row[0] if isinstance(row[0], list) else json.loads(row[0])
    return set(scans(told[0]["Plan"]))


async def fill(database: Database) -> None:
    """So many SKUs with two lines in the ledger each, all listed in one shop and told."""
    await change(
        database,
        "INSERT INTO sku_stock (sku, title, on_hand, version, updated_at)"
        " SELECT 'S' || n, '', 9, 1, now() FROM generate_series(1, :many) n",
        many=MANY,
    )
    await change(
        database,
        "INSERT INTO stock_ledger (sku, at, reason, ref, on_hand)"
        " SELECT 'S' || (1 + n % :many), now(), 'opening', 'o', 1 FROM generate_series(1, 2 * :many) n",
        many=MANY,
    )
    async with database.transaction() as tx:
        given = [Listing("taobao", "tm", f"S{n}", str(n // 5), str(n)) for n in range(1, MANY + 1)]
        await listings.put(tx, given, "file", NOON)


async def test_a_look_reads_what_changed_and_nothing_else(database: Database) -> None:
    await fill(database)
    pushes, place, pages = SqlStockPushes(database), Place(), 0
    while place.after is not None:
        place, pages = await pushes.notice(QUEUE, place, NOON), pages + 1
    assert pages == 21
    assert await value(database, "SELECT count(*) FROM stock_push WHERE state = 'waiting'") == MANY
    await change(database, "UPDATE stock_push SET state = 'told', pushed_quantity = wanted_quantity")
    await change(database, "ANALYZE")
    where = {"channel": "taobao", "shop": "tm"}
    for since in (place.horizon, (place.horizon or 0) - 1):
        looked = await plan_of(database, _LOOK.text, since=since, most=2001, **where)
        assert not {(table, how) for table, how in looked if table in LARGE and "Index" not in how}, looked
        assert {table for table, _ in looked} >= {"listing", "stock_ledger"}
    claimed = await plan_of(database, _CLAIM.text, now=NOON, lease=NOON, most=400, **where)
    assert not {(table, how) for table, how in claimed if table == "stock_push" and how == "Seq Scan"}, claimed
