"""kill -9 of the worker before and after every look, commit and call of a case: its money goes back once (AFT-7).

Units of an order in a warehouse are paid back: the case stops them, the order is recalled and planned again, the
provider pays. One order per place; who stands at its place at the same moment shares the blow.
"""

import asyncio
import json
import time
from itertools import product
from pathlib import Path
from threading import Thread

import pytest
from temporalio.client import Client

from clients.clock import utc_now
from clients.embedded import EmbeddedPostgres, EmbeddedTemporal, Ports
from clients.temporal import NAMESPACE
from domain.after_sales import CaseKind, CaseLine, NewCase, Origin, workflow_id
from store import cases, migrations, settings_docs
from store.database import Database
from store.keyring import create_keyring
from tests.faults import When
from tests.journeys.mortal_case_worker import PAYOUTS
from tests.journeys.mortal_worker import DATABASE, KEYS
from tests.journeys.strikes import Strike, struck, write_plan
from tests.journeys.test_kill_points import Site
from tests.payments import payment
from tests.store.builders import assert_counters_add_up, rows
from tests.workflows.cases import CaseHouse
from tests.workflows.house import eventually, order

PLACES = ("advance-checking", "advance-stopping", "advance-paying", "where", "cancel", "cancelled", "refund")
FEW = (("advance-checking", When.AFTER), ("advance-stopping", When.AFTER), ("cancelled", When.AFTER),
       ("refund", When.AFTER))  # fmt: skip
SECONDS = 120.0
UNIT = 11245
"""What one of the order's two shirts costs of what was paid for all, to the fen."""


async def live(house: CaseHouse, no: str) -> str:
    """Let an order be pushed to its warehouse, and a case take one unit out of it; gives the case."""
    key = f"own:s:{no}"
    await house.say(order(no))
    await house.say(payment(no, 30600, shop="s"))

    async def pushed() -> bool:
        return bool(await rows(house.database, "SELECT 1 FROM orders WHERE key = :key AND logistics_status = 'pushed'",
                               key=key))  # fmt: skip

    await eventually(pushed, house.nothing, 0.1, SECONDS)
    new = NewCase(key, CaseKind.REFUND, Origin.BUYER, f"r-{no}", (CaseLine("1", "TEE", 1),), "changed_mind")
    async with house.database.transaction() as tx:
        return await cases.open_case(tx, house.ring, new, utc_now())


async def check(house: CaseHouse, folder: Path, cast: dict[str, str]) -> None:
    """Every case is paid once, in the provider's book and in ours; every order ships what is left of it."""
    paid: dict[str, set[tuple[str, int]]] = {}
    for no, refund_no, amount in map(json.loads, (folder / PAYOUTS).read_text().splitlines()):
        paid.setdefault(no, set()).add((refund_no, amount))
    assert {no: [amount for _, amount in one] for no, one in paid.items()} == {no: [UNIT] for no in cast}
    for no, case in cast.items():
        assert await asyncio.wait_for(house.client.get_workflow_handle(workflow_id(case)).result(), SECONDS) == "paid"
        about = "SELECT refunded_minor FROM orders WHERE key = :key"
        assert (await rows(house.database, about, key=f"own:s:{no}"))[0].refunded_minor == UNIT, no
        parts = "SELECT no, state FROM fulfillment WHERE order_key = :key ORDER BY no"
        found = [tuple(one) for one in await rows(house.database, parts, key=f"own:s:{no}")]
        assert found == [(f"{no}-1", "cancelled"), (f"{no}-2", "pushed")], no
    assert (await house.client.count_workflows("ExecutionStatus IN ('Failed', 'Terminated', 'TimedOut')")).count == 0
    await assert_counters_add_up(house.database)


async def run(folder: Path, places: dict[str, tuple[str, When]]) -> None:
    ports = Ports(folder)
    site = Site(folder, EmbeddedPostgres(folder, ports), EmbeddedTemporal(folder, ports),
                module="tests.journeys.mortal_case_worker")  # fmt: skip
    write_plan(folder, [Strike(no, method, when) for no, (method, when) in places.items()])
    keeper = Thread(target=site.run)
    keeper.start()
    try:
        assert await asyncio.to_thread(site.up.wait, SECONDS)
        (folder / DATABASE).write_text(site.postgres.url)
        ring, database = create_keyring(folder / KEYS), Database(site.postgres.url)
        await migrations.upgrade(database)
        async with database.transaction() as tx:
            await settings_docs.seed(tx, utc_now())
        client = await Client.connect(site.temporal.address, namespace=NAMESPACE)
        house = CaseHouse(client, database, ring)
        await house.furnish()
        for sku in ("TEE", "CAP"):
            await house.set_stock(sku, 500)
        site.armed.set()
        orders = ["calm", *places]
        cast = dict(zip(orders, await asyncio.gather(*(live(house, no) for no in orders)), strict=True))
        until = time.monotonic() + SECONDS
        while struck(folder) < set(places):
            assert time.monotonic() < until, f"not struck: {set(places) - struck(folder)}"
            await asyncio.sleep(0.1)

        async def ended() -> bool:
            open_ = "SELECT no, state FROM after_sales_case WHERE closed_at IS NULL"
            unsent = "SELECT no FROM orders WHERE logistics_status <> 'pushed'"
            return not await rows(database, open_) and not await rows(database, unsent)

        await eventually(ended, lambda: rows(database, "SELECT no, state, stop FROM after_sales_case"), 0.2, SECONDS)
        await check(house, folder, cast)
        assert {name for name, _ in site.deaths} == {"worker"}
        await database.close()
    finally:
        site.over.set()
        await asyncio.to_thread(keeper.join)


def named(places: tuple[tuple[str, When], ...]) -> dict[str, tuple[str, When]]:
    return {f"K-{when}-{method}": (method, when) for method, when in places}


async def test_a_kill_at_a_few_places_of_a_case_pays_it_once(tmp_path: Path) -> None:
    await run(tmp_path, named(FEW))


@pytest.mark.soak
async def test_a_kill_at_any_place_of_a_case_pays_it_once(tmp_path: Path) -> None:
    await run(tmp_path, named(tuple(product(PLACES, (When.BEFORE, When.AFTER)))))
