"""Edits of remarks go after everything else and wait out a surge; none is lost (INT-5, INT-15)."""

from dataclasses import replace
from datetime import datetime

from domain.lanes import EDITS, LATER, NORMAL, URGENT
from domain.observations import ChannelStatus, Observation, OrderHinted, ParcelState
from domain.outgoing import Queue
from domain.watch import SURGE
from store import alerts, observations
from store.alerts import Level, NewAlert
from store.apply import book
from store.database import Database
from store.inbox import Arrival, Identity, Inbox, insert, observe
from store.keyring import KeyRing
from store.opening import Opening
from store.reads.overview import OverviewReads
from store.replay import By
from store.reread import SqlReread, ask
from tests.conftest import NOON
from tests.store.builders import apply, booking, change, confirm, key, order, rows, stocked, track, value

S = ChannelStatus
MEMO = OrderHinted("own", "demo", "T1", S.UNMAPPED, NOON, edit=True)


async def queued(database: Database, ring: KeyRing, *seen: Observation) -> None:
    """Store each as a message of its own."""
    box, first = Inbox(database, ring), await value(database, "SELECT count(*) FROM inbox")
    for n, one in enumerate(seen, first):
        await box.accept(Arrival("own", "demo", "push", {}, b"raw", NOON), f"e{n}", None, (one,))


async def lanes(database: Database) -> list[int]:
    return [row.lane for row in await rows(database, "SELECT lane FROM observation ORDER BY id")]


async def booked(database: Database, ring: KeyRing) -> list[tuple[str, int]]:
    """Book everything that is taken now; say in which order, and from which lane each came."""
    found: list[tuple[str, int]] = []
    async with database.transaction() as tx:
        while one := await observations.take(tx, ring, NOON):
            await observations.done(tx, one, await book(tx, one, booking(ring)), NOON)
            found.append((one.subject, one.id))
    of = {row.id: row.lane for row in await rows(database, "SELECT id, lane FROM observation")}
    return [(subject, of[row_id]) for subject, row_id in found]


async def remark(database: Database, ring: KeyRing, no: str) -> str:
    found = await Opening(database, ring).reveal(key(no), By("tester", NOON))
    assert found is not None
    return found.remark


async def surge(database: Database, *, on: bool, now: datetime = NOON) -> None:
    found = [NewAlert(SURGE, Level.WARNING, "core", "full")] if on else []
    async with database.transaction() as tx:
        await alerts.settle(tx, found, [SURGE], now)


async def test_a_backlog_is_worked_off_paid_and_shipped_first_and_edits_last(database: Database, ring: KeyRing) -> None:
    """INT-5: whatever came first."""
    await stocked(database, ring, A=9)
    await apply(database, ring, order("T1", remark="old"))
    await apply(database, ring, order("T2", remark="old"))
    edits = (order("T1", minute=1, remark="new"), order("T2", minute=1, remark="new"))
    rest: list[Observation] = [track("SF1", ParcelState.IN_TRANSIT, 1), order("T3", S.UNPAID), order("T4")]
    rest.append(confirm(no="T9-1"))
    await queued(database, ring, edits[0], MEMO, edits[1], *rest)
    assert await lanes(database) == [EDITS, EDITS, EDITS, LATER, NORMAL, URGENT, URGENT]
    async with database.transaction() as tx:
        taken = await observations.take_some(tx, ring, NOON, 48)
    assert [one.subject.split(":")[-1] for one in taken] == ["T4", "T9-1", "T3", "SF1", "T1", "T1", "T2"]


async def test_only_what_brings_words_alone_is_an_edit(database: Database, ring: KeyRing) -> None:
    await stocked(database, ring, A=9)
    first = order("T1", remark="old")
    await apply(database, ring, first)
    changed = (
        replace(first, remark="new"),
        replace(first, status=S.SHIPPED, raw_status="SHIPPED"),
        replace(first, raw_status="PART_SENT"),
        replace(first, refunded_minor=100),
        replace(first, may_ship=False),
    )
    for one in changed:
        await queued(database, ring, one)
        await change(database, "UPDATE observation SET state = 'applied'")
    assert await lanes(database) == [EDITS, *[URGENT] * 4]


async def test_what_follows_a_message_that_is_not_booked_yet_is_no_edit(database: Database, ring: KeyRing) -> None:
    """A hold that was lifted and comes again looks like what is booked; it must not be overtaken by the lifting."""
    await stocked(database, ring, A=9)
    held = order("T1", may_ship=False)
    await apply(database, ring, held)
    await queued(database, ring, order("T1", minute=1), replace(held, vendor_time=order(minute=2).vendor_time))
    assert await lanes(database) == [URGENT, URGENT]
    both = (order("T2", minute=1), order("T2", minute=2))
    await apply(database, ring, order("T2"))
    await Inbox(database, ring).accept(Arrival("own", "demo", "push", {}, b"raw", NOON), "two", None, both)
    assert (await lanes(database))[2:] == [URGENT, URGENT], "nor do two of one message overtake each other"


async def test_a_pulled_edit_goes_last_too(database: Database, ring: KeyRing) -> None:
    await stocked(database, ring, A=9)
    await apply(database, ring, order("T1"))
    async with database.transaction() as tx:
        inbox_id = await insert(tx, ring, Arrival("own", "demo", "pull", {}, b"page", NOON), Identity("p1"))
        assert inbox_id is not None
        await observe(tx, ring, inbox_id, (order("T1", minute=1, remark="new"), order("T2")), NOON)
    assert await lanes(database) == [EDITS, URGENT]


async def test_edits_wait_out_a_surge_and_are_booked_after_it(database: Database, ring: KeyRing) -> None:
    """INT-15: the new remark is booked late, not lost; paid orders go on."""
    await stocked(database, ring, A=9)
    await apply(database, ring, order("T1", remark="old"))
    await surge(database, on=True)
    await queued(database, ring, order("T1", minute=1, remark="门口放"), order("T2"))
    assert await booked(database, ring) == [("own:demo:T2", URGENT)]
    overview = await OverviewReads(database).now(NOON, NOON)
    assert [(one.about, one.n.n) for one in overview.backlogs if one.queue == "observation"] == [("edits", 1)]
    await surge(database, on=False)
    assert await booked(database, ring) == [("own:demo:T1", EDITS)]
    assert await remark(database, ring, "T1") == "门口放"
    noted = "SELECT detail FROM audit WHERE action = 'order.remark_changed'"
    assert [row.detail for row in await rows(database, noted)] == [{"logistics": "none"}], "never the words"


async def test_an_empty_remark_takes_none_away(database: Database, ring: KeyRing) -> None:
    await stocked(database, ring, A=9)
    await apply(database, ring, order("T1", remark="old"))
    await apply(database, ring, order("T1", S.SHIPPED, minute=1), 2)
    assert await remark(database, ring, "T1") == "old"
    assert await value(database, "SELECT count(*) FROM audit WHERE action = 'order.remark_changed'") == 0


async def test_orders_are_not_asked_for_an_edit_during_a_surge(database: Database, ring: KeyRing) -> None:
    rereads, queue = SqlReread(database, ring), Queue("reread", "own", "demo")
    async with database.transaction() as tx:
        await ask(tx, MEMO, NOON)
        await ask(tx, replace(MEMO, no="T2", edit=False), NOON)
    await surge(database, on=True)
    assert [call.payload["no"] for call in await rereads.due(queue, NOON, 9)] == ["T2"]
    await surge(database, on=False)
    assert [call.payload["no"] for call in await rereads.due(queue, NOON, 9)] == ["T1"]
