"""Tickets in the store: a clock from the first minute, a sealed log, noted at the order and the customer (EXC-4)."""

from datetime import timedelta
from typing import Any

import pytest

from domain.errors import BadInput
from domain.tickets import NewTicket, TicketChoice, TicketDecision, TicketKind, TicketSource
from store import macros, tickets
from store.database import Database
from store.keyring import KeyRing
from store.order_intake import Booking
from store.process_ladder import TICKETS, SqlLadder
from store.replay import By
from tests.conftest import NOON
from tests.store.builders import TIMING, key, rows, value
from tests.store.case_world import CaseWorld, case_world


@pytest.fixture
async def world(database: Database, ring: KeyRing) -> CaseWorld:
    made = await case_world(database, ring)
    await made.paid_order(A=2)
    return made


async def opened(world: CaseWorld, order_key: str = "", request_key: str = "n1") -> str:
    new = NewTicket(TicketKind.REMINDER, TicketSource.WECHAT, "张三丰问什么时候发货", request_key, "alice", order_key)
    async with world.database.transaction() as tx:
        return await tickets.open_ticket(tx, Booking(world.ring, TIMING, world.now), new)


async def decide(world: CaseWorld, no: str, choice: str, nonce: str = "", **more: Any) -> Any:
    decision = TicketDecision(TicketChoice(choice), "bob", **more)
    async with world.database.transaction() as tx:
        return await tickets.decide(tx, Booking(world.ring, TIMING, world.now), no, decision, nonce or choice)


async def test_a_reminder_is_answered_within_thirty_minutes_or_the_supervisor_hears(world: CaseWorld) -> None:
    no, ladder, begun = await opened(world, key()), SqlLadder(world.database, TICKETS), world.now
    assert await opened(world, key()) == no
    row = (await rows(world.database, "SELECT * FROM ticket"))[0]
    assert (row.state, row.due_at) == ("new", begun + timedelta(minutes=30))
    await ladder.climb(no, 1, begun + timedelta(minutes=30))
    late = (await rows(world.database, "SELECT * FROM message WHERE kind = 'ticket.overdue'"))[0]
    assert late.roles == "service_supervisor"
    assert (await decide(world, no, "answer", words="明天发出")).words == "answered"
    row = (await rows(world.database, "SELECT * FROM ticket"))[0]
    assert (row.owner, row.due_at) == ("bob", begun + timedelta(hours=24))
    assert await value(world.database, "SELECT count(*) FROM alert WHERE cleared_at IS NULL") == 0
    assert (await ladder.look(no, begun)).climbs[0].at == begun + timedelta(hours=24)


async def test_the_log_is_sealed_and_noted_at_the_order(world: CaseWorld) -> None:
    no = await opened(world)
    assert (await decide(world, no, "attach", order_key=key())).taken
    await decide(world, no, "answer", words="您好，仓库正在备货")
    async with world.database.transaction() as tx:
        log = await tickets.log(tx, world.ring, no)
    assert [(row.kind, words) for row, words in log] == [
        ("asked", "张三丰问什么时候发货"),
        ("answer", "您好，仓库正在备货"),
    ]
    kept = b"".join(
        bytes(row.words_sealed) for row in await rows(world.database, "SELECT words_sealed FROM ticket_entry")
    )
    assert "张三丰".encode() not in kept
    seen = await rows(
        world.database, "SELECT detail FROM audit WHERE action = 'order.ticket' AND subject = :k ORDER BY id", k=key()
    )
    assert [one.detail["choice"] for one in seen] == ["attach", "answer"]
    assert "张三丰" not in str(seen)


async def test_the_same_press_counts_once_and_a_new_question_starts_the_clock_again(world: CaseWorld) -> None:
    no = await opened(world)
    await decide(world, no, "answer", words="明天")
    assert (await decide(world, no, "answer", words="明天")).words == "taken already"
    assert await value(world.database, "SELECT count(*) FROM ticket_entry") == 2
    await decide(world, no, "close")
    world.now += timedelta(days=1)
    assert (await decide(world, no, "asked", words="还没到")).words == "new"
    row = (await rows(world.database, "SELECT * FROM ticket"))[0]
    assert (row.due_at, row.turn, row.closed_at) == (world.now + timedelta(minutes=30), 1, None)
    last = (await rows(world.database, "SELECT process FROM process_event ORDER BY id DESC LIMIT 1"))[0]
    assert last.process == f"ticket:{no}:2"


async def test_an_order_that_is_not_there_is_named_and_a_ticket_may_come_without(world: CaseWorld) -> None:
    with pytest.raises(BadInput, match="no order own:demo:NONE: look at the number, or leave it empty"):
        await opened(world, "own:demo:NONE")
    no = await opened(world)
    with pytest.raises(BadInput, match="no order x"):
        await decide(world, no, "attach", order_key="x")
    assert not (await decide(world, "T0", "take")).taken


async def test_a_macro_with_an_unknown_placeholder_is_not_saved(world: CaseWorld) -> None:
    by = By("alice", NOON)
    async with world.database.transaction() as tx:
        await macros.save(tx, "soon", "正在备货", "您好，订单 {order} {next}", by)
        with pytest.raises(BadInput, match=r"nobody knows \{name\}"):
            await macros.save(tx, "bad", "x", "{name}", by)
        assert [row.code for row in await macros.all_macros(tx)] == ["soon"]
        await macros.drop(tx, "soon", by)
        assert await macros.all_macros(tx) == []
