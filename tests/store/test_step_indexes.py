"""Each step of an order and of its cases finds what it needs by an index, however many there are (OPS-6)."""

import json
from typing import Any

from domain.after_sales import CaseKind, CaseState, Choice
from store.database import Database
from store.keyring import KeyRing
from tests.store.builders import assert_counters_add_up
from tests.store.case_world import CaseWorld, case_world
from tests.store.test_console_indexes import Plan, Told, nodes, overheard

GROWING = {
    "orders",
    "order_line",
    "contact",
    "reservation",
    "allocation",
    "fulfillment",
    "shipment_confirm",
    "parcel",
    "trace",
    "payment",
    "refund",
    "refund_grant",
    "payout",
    "after_sales_case",
    "case_line",
    "audit",
    "inbox",
    "observation",
    "delivery",
    "outgoing",
    "reread",
    "process_event",
    "stock_ledger",
    "stock_movement",
}
"""Tables that grow with every order."""
MILLIONS = (
    """
    UPDATE pg_class SET reltuples = 1000000, relpages = 1
    FROM pg_class t WHERE t.relname = ANY($1) AND t.relkind = 'r'
        AND (pg_class.oid = t.oid OR pg_class.oid IN (SELECT indexrelid FROM pg_index WHERE indrelid = t.oid))
    """,
    """
    UPDATE pg_statistic SET stadistinct = -1, stanullfrac = 0.5, stakind1 = 0, stakind2 = 0, stakind3 = 0, stakind4 = 0,
        stakind5 = 0
    FROM pg_class t WHERE t.relname = ANY($1) AND starelid = t.oid
    """,
)
"""Lets the planner believe that there are a million rows of which each says something else, until it is undone."""


ASKED_BY_THE_WORLD = "SELECT state FROM observation ORDER BY id DESC LIMIT 1"


async def _life(world: CaseWorld) -> None:
    """One order to the door; a return of it that is paid for, and an exchange whose goods leave."""
    await world.delivered_order(A=2, B=1)
    back = await world.open(CaseKind.RETURN)
    await world.look(back)
    await world.came_back(back, good=1)
    await world.look(back)
    await world.drain()
    assert (await world.look(back)).outcome == "paid"
    other = await world.open(CaseKind.EXCHANGE, reason="wrong", request_key="r2", units={"2": 1})
    if (await world.look(other)).state is CaseState.REVIEW:
        assert (await world.decide(other, Choice.APPROVE)).taken
        await world.look(other)
    await world.came_back(other, good=1, sku="B")
    assert (await world.look(other)).state is CaseState.SHIPPING


async def _read_whole(database: Database, told: Told) -> list[tuple[str, str]]:
    """Name each growing table that a statement reads without a condition on an index, and the statement."""
    found: dict[tuple[str, str], None] = {}
    async with database.transaction() as tx:
        await tx.exec_driver_sql(f"ANALYZE {', '.join(sorted(GROWING))}")
        for belief in MILLIONS:
            await tx.exec_driver_sql(belief, (sorted(GROWING),))
        await tx.exec_driver_sql("SET LOCAL enable_seqscan = off")
        for statement, values in told:
            first = statement.lstrip().split(maxsplit=1)[0].upper()
            if first not in {"SELECT", "UPDATE", "INSERT", "DELETE", "WITH"} or statement == ASKED_BY_THE_WORLD:
                continue
            one = values[0] if values and isinstance(values[0], tuple) else values
            full = tuple([None] if value == [] else value for value in one)  # for an empty list any plan is as good
            answer = (await tx.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {statement}", full)).scalar_one()
            plan: Plan = (json.loads(answer) if isinstance(answer, str) else answer)[0]["Plan"]
            found |= {(table, " ".join(statement.split())): None for table in map(_without_index, nodes(plan)) if table}
        await tx.rollback()
    return list(found)


def _without_index(node: dict[str, Any]) -> str:
    """Give the growing table that a node reads whole; an index that holds what waits alone may be read whole."""
    table = str(node.get("Relation Name", ""))
    scan = node["Node Type"] in {"Seq Scan", "Index Scan", "Index Only Scan"}
    partial = str(node.get("Index Name", "")).endswith(("_waiting", "_open", "_new", "_due"))
    return table if scan and table in GROWING and "Index Cond" not in node and not partial else ""


async def test_no_step_reads_a_table_whole_that_grows_with_every_order(database: Database, ring: KeyRing) -> None:
    world = await case_world(database, ring)
    with overheard(database) as told:
        await _life(world)
    assert len({statement for statement, _ in told}) > 100, "a whole life was heard"
    assert await _read_whole(database, told) == []
    await assert_counters_add_up(database)
