"""What buyers say comes to the board by itself, each message once, whatever its order is (EXC-4, INT-11)."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from domain.after_sales import CaseKind
from domain.tickets import TicketChoice, TicketDecision, TicketKind, TicketObserved, TicketSource
from store import tickets
from store.database import Database
from store.keyring import KeyRing
from store.order_intake import Booking
from store.reads.service import ServiceReads, TicketPage
from tests.conftest import NOON
from tests.store.builders import TIMING, key, order, rows, value
from tests.store.case_world import CaseWorld, case_world


@pytest.fixture
async def world(database: Database, ring: KeyRing) -> CaseWorld:
    made = await case_world(database, ring)
    await made.paid_order(A=2)
    return made


def told(thread: str = "TK1", message: str = "1", words: str = "衣服破了", **more: Any) -> TicketObserved:
    """One message of a buyer at the own shop."""
    values: dict[str, Any] = {"order_no": "T1"} | more
    source = values.pop("source", TicketSource.SHOP)
    return TicketObserved(
        values.pop("channel", "own"), values.pop("shop", "demo"), thread, message, TicketKind.COMPLAINT, source, NOON,
        words, **values,
    )  # fmt: skip


def letter(message: str, words: str = "请问订单什么时候到", **more: Any) -> TicketObserved:
    return told(message, message, words, channel="imap", shop="help", source=TicketSource.MAIL, order_no="", **more)


async def page(world: CaseWorld) -> TicketPage:
    """Read the only ticket."""
    found = await ServiceReads(world.database, world.ring).ticket(
        str(await value(world.database, "SELECT no FROM ticket"))
    )
    assert found is not None
    return found


async def test_a_message_opens_one_ticket_about_its_order_with_its_clock_running(world: CaseWorld) -> None:
    seen = told(contact="李四 13900139000", photos=("https://shop.example/1.jpg",))
    assert await world.hear(seen) == "applied"
    assert await world.hear(seen) == "stale"
    found = await page(world)
    assert (found.row.order_key, found.row.kind, found.row.source) == (key(), "complaint", "shop")
    assert found.row.due_at == world.now + timedelta(minutes=30)
    ((entry, words),) = found.log
    assert words == "衣服破了"
    came = found.beside[entry.id]
    assert (came.contact, came.photos) == ("李四 13900139000", ("https://shop.example/1.jpg",))
    linked = await value(world.database, "SELECT inbox_id FROM audit WHERE action = 'ticket.opened'")
    assert came.inbox_id == linked is not None
    for column in ("words_sealed", "beside_sealed"):
        sealed = bytes(await value(world.database, f"SELECT {column} FROM ticket_entry"))  # noqa: S608
        assert "李四".encode() not in sealed
        assert "破".encode() not in sealed
    assert "李四" not in str(await rows(world.database, "SELECT detail, actor FROM audit"))
    started = await rows(world.database, "SELECT process FROM process_event WHERE process LIKE 'ticket:%'")
    assert [row.process for row in started] == [f"ticket:{found.row.no}"]


async def test_an_order_that_is_not_known_is_kept_by_its_number_and_found_by_a_later_message(world: CaseWorld) -> None:
    assert await world.hear(told(order_no="D404")) == "applied"
    found = await page(world)
    assert (found.row.order_key, found.row.named_order) == ("", "D404")
    await world.hear(order("D404", skus={"A": 1}))
    assert await world.hear(told(message="2", words="还没人理我", order_no="D404")) == "applied"
    found = await page(world)
    assert found.row.order_key == key("D404")
    assert [words for _, words in found.log] == ["衣服破了", "还没人理我"]


async def test_who_asks_again_before_an_answer_does_not_wait_longer_and_a_closed_ticket_opens_again(
    world: CaseWorld,
) -> None:
    await world.hear(told())
    due = (await page(world)).row.due_at
    world.now += timedelta(minutes=20)
    await world.hear(told(message="2"))
    assert (await page(world)).row.due_at == due
    async with world.database.transaction() as tx:
        close = TicketDecision(TicketChoice.CLOSE, "bob")
        no = (await page(world)).row.no
        assert (await tickets.decide(tx, Booking(world.ring, TIMING, world.now), no, close, "c")).taken
    await world.hear(told(message="3"))
    found = await page(world)
    assert (found.row.state, found.row.turn, found.row.due_at) == ("new", 1, world.now + timedelta(minutes=30))


async def test_letters_join_the_ticket_that_they_answer_or_name(world: CaseWorld) -> None:
    await world.hear(order("D2611", skus={"A": 1}))
    await world.hear(letter("m1@a", "订单 D2611 什么时候到？"))
    no = (await page(world)).row.no
    assert (await page(world)).row.order_key == key("D2611")
    await world.hear(letter("m2@a", answers=("unknown@b", "m1@a")))
    await world.hear(letter("m3@a", answers=("m2@a",)))
    await world.hear(letter("m4@a", ticket_no=no))
    assert len((await page(world)).log) == 4
    await world.hear(letter("m5@a", ticket_no="T0000000000"))
    assert await value(world.database, "SELECT count(*) FROM ticket") == 2


async def test_letters_that_speak_of_two_orders_or_of_none_wait_for_somebody_to_say_which(world: CaseWorld) -> None:
    for no in ("D2611", "D2612"):
        await world.hear(order(no, skus={"A": 1}))
    await world.hear(letter("m1@a", "D2611 和 D2612 都没到"))
    assert (await page(world)).row.order_key == ""


async def test_a_platform_that_steps_in_is_a_ticket_of_the_case_and_of_whoever_owns_it(world: CaseWorld) -> None:
    no = await world.open(CaseKind.REFUND)
    async with world.database.transaction() as tx:
        await tx.execute(text("UPDATE after_sales_case SET channel_case_no = 'AS1', owner = 'bob'"))
    await world.hear(told("case:AS1", "m1", "平台介入", source=TicketSource.CHANNEL, case_no="AS1", order_no=""))
    await world.hear(told("case:AS1", "m2", "平台介入", source=TicketSource.CHANNEL, case_no="AS1", order_no=""))
    found = await page(world)
    assert (found.row.case_no, found.row.order_key, found.row.owner) == (no, key(), "bob")
    assert len(found.log) == 2
    seen = await rows(world.database, "SELECT detail FROM audit WHERE action = 'case.ticket' AND subject = :no", no=no)
    assert [one.detail for one in seen] == [{"ticket": found.row.no}]
