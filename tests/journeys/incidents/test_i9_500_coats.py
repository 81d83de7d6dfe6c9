"""I-9: one shifted cell in a spreadsheet of 200 stores sent 500 coats to the wrong place. Here the sheet is refused.

Remove `if row.surplus:` with its two lines in domain/transfers.py to see the cell that shifted sideways lose its name;
remove `+ _sums(rows, moves, known.totals)` there, and the column that slipped down by a row is written: 500 coats go to
S121. Remove `if needs_approval(moves, approval_units):` with its block in store/transfers.py, and nobody looks at the
right sheet before the units are held. (INV-12, INT-10)
"""

import pytest
from temporalio.client import Client
from temporalio.worker import Worker

from activities.approvals import ApprovalActivities
from clients.approving import Approving
from clients.clock import utc_now
from clients.temporal import SHOPS_QUEUE
from clients.transferring import Checked, Transferring, refused_csv
from connectors.files.transfer_sheet import read_sheet
from domain.approvals import Verdict
from domain.errors import BadInput, Refused
from store import places
from store.approval_effects import SqlApprovals
from store.database import Database
from store.keyring import KeyRing
from store.places import Place
from store.settings_docs import Profile
from tests.store.builders import assert_counters_add_up, rows
from tests.workflows.house import House
from workers.wiring import sandbox, steps_of
from workflows.approval import ApprovalWorkflow

HEADER = "调出,调入,商品编码,数量,调入合计"
STORES = [f"S{n:03}" for n in range(1, 201)]
WANTED = {store: 500 if store == "S120" else 2 for store in STORES}
LINE_OF_S120 = 121
"""The header is line 1."""


def sheet(*lines: str) -> bytes:
    return "\n".join((HEADER, *lines, "")).encode("gb18030")


def right() -> list[str]:
    return [f"GZ01,{store},COAT,{n},{n}" for store, n in WANTED.items()]


async def furnished(client: Client, database: Database, ring: KeyRing) -> House:
    """A warehouse with 2,000 coats and 200 stores."""
    house = House(client, database, ring)
    await house.furnish()
    await house.set_stock("COAT", 2000)
    async with database.transaction() as tx:
        for store in STORES:
            await places.add(tx, Place(store, store, "广东省"), "alice", utc_now())
    return house


def desk(database: Database) -> Transferring:
    return Transferring(database, Profile.LIVE, utc_now)


async def checked(database: Database, *lines: str) -> Checked:
    return await desk(database).check(read_sheet(sheet(*lines)), {})


async def assert_nothing_written(database: Database, found: Checked) -> None:
    with pytest.raises(BadInput, match="nothing was written"):
        await desk(database).write(found, "alice")
    assert await rows(database, "SELECT no FROM transfer") == []
    assert (await rows(database, "SELECT allocated FROM sku_stock WHERE sku = 'COAT'"))[0].allocated == 0


async def test_a_cell_that_shifted_sideways_is_refused_with_row_and_column(
    temporal: Client, database: Database, ring: KeyRing
) -> None:
    await furnished(temporal, database, ring)
    lines = right()
    lines[LINE_OF_S120 - 2] = "GZ01,,S120,COAT,500,500"
    found = await checked(database, *lines)
    assert found.refused == [LINE_OF_S120]
    assert found.faults[0].line == LINE_OF_S120
    assert found.sheet.column(found.faults[0].column) == "调入"
    assert "a cell has shifted" in found.faults[0].reason
    assert f"{LINE_OF_S120},".encode() in refused_csv(found)
    await assert_nothing_written(database, found)


async def test_a_column_that_slipped_down_by_a_row_is_refused_though_every_cell_is_a_number(
    temporal: Client, database: Database, ring: KeyRing
) -> None:
    await furnished(temporal, database, ring)
    slipped = [2, *list(WANTED.values())[:-1]]
    lines = [f"GZ01,{store},COAT,{n},{WANTED[store]}" for store, n in zip(STORES, slipped, strict=True)]
    found = await checked(database, *lines)
    assert found.refused == [LINE_OF_S120, LINE_OF_S120 + 1]
    assert [found.sheet.column(one.column) for one in found.faults] == ["数量", "数量"]
    assert found.faults[1].reason == "S121 would get 500, its total is 2"
    await assert_nothing_written(database, found)


async def test_the_right_sheet_is_shown_as_a_difference_and_waits_for_a_second_person(
    temporal: Client, database: Database, ring: KeyRing
) -> None:
    await furnished(temporal, database, ring)
    found = await checked(database, *right())
    assert found.faults == ()
    changes = {(one.place, one.before, one.after) for one in found.changes}
    assert {("GZ01", 2000, 1102), ("S120", 0, 500), ("S121", 0, 2)} <= changes
    made = await desk(database).write(found, "alice")
    assert (len(made.transfers), made.approval_no != "") == (200, True)
    assert (await rows(database, "SELECT allocated FROM sku_stock WHERE sku = 'COAT'"))[0].allocated == 0

    async def dial() -> Client:
        return temporal

    approving = Approving(database, dial, utc_now, Profile.LIVE)
    activities = steps_of(ApprovalActivities(SqlApprovals(database)))
    workflows = [ApprovalWorkflow]
    async with Worker(
        temporal, task_queue=SHOPS_QUEUE, workflows=workflows, activities=activities, workflow_runner=sandbox()
    ):
        with pytest.raises(Refused, match="a second person has to decide"):
            await approving.decide(made.approval_no, Verdict("alice", True), "n1")
        words = await approving.decide(made.approval_no, Verdict("bob", True), "n2")
    assert words == "200 transfers approved, their units are held"
    held = await rows(database, "SELECT sum(quantity) AS units FROM allocation WHERE order_key LIKE 'transfer:%'")
    assert held[0].units == sum(WANTED.values())
    await assert_counters_add_up(database)
