"""Exceptions in the store: bound to an order, routed as they are opened, decided once, on a ladder (EXC-1…3)."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from activities.red_letters import InvoiceClerk, RedLetterDrafting
from domain.errors import BadInput
from domain.exceptions import (
    Compensation,
    ExceptionChoice,
    ExceptionDecision,
    ExceptionKind,
    ExceptionLine,
    NewException,
    Responsible,
)
from domain.invoices import RedLetterAsk, RedLine
from domain.outgoing import Queue
from domain.shops import Role
from store import claims, exceptions, red_letters
from store.database import Database
from store.keyring import KeyRing
from store.order_intake import Booking
from store.outgoing import SqlOutgoing
from store.process_ladder import EXCEPTIONS, SqlLadder
from store.red_letters import Blue, SqlRedLetters
from store.shops import Shops
from tests.store.builders import DRIFTED, TIMING, WMS, key, rows, value
from tests.store.case_world import CaseWorld, case_world


@pytest.fixture
async def world(database: Database, ring: KeyRing) -> CaseWorld:
    made = await case_world(database, ring)
    await made.delivered_order(A=2)
    return made


async def opened(world: CaseWorld, compensation: str = "reship", responsible: str = "warehouse", **more: Any) -> str:
    units = more.pop("units", 2)
    new = NewException(
        order_key=more.pop("order_key", key()),
        kind=ExceptionKind.SHORT,
        responsible=Responsible(responsible),
        compensation=Compensation(compensation),
        lines=(ExceptionLine("1", "A", units),),
        request_key=more.pop("request_key", "n1"),
        opened_by="alice",
        **more,
    )
    async with world.database.transaction() as tx:
        return await exceptions.open_exception(tx, booking(world), new)


def booking(world: CaseWorld) -> Booking:
    return Booking(world.ring, TIMING, world.now)


async def decide(world: CaseWorld, no: str, choice: str, nonce: str = "", **more: str) -> Any:
    decision = ExceptionDecision(ExceptionChoice(choice), more.pop("actor", "bob"), **more)
    async with world.database.transaction() as tx:
        return await exceptions.decide(tx, booking(world), no, decision, nonce or choice)


async def test_two_units_short_are_sent_again_and_the_warehouse_has_a_task_at_once(world: CaseWorld) -> None:
    """EXC-2: warehouse + reship; the second press of the form opens nothing."""
    no = await opened(world, words="少了两件，张三丰")
    assert await opened(world) == no
    row = (await rows(world.database, "SELECT * FROM order_exception"))[0]
    assert (row.state, row.due_at) == ("open", world.now + timedelta(hours=2))
    sent = (await rows(world.database, "SELECT * FROM orders WHERE key = :key", key=row.replacement_key))[0]
    assert (sent.no, sent.total_minor, sent.case_no, sent.payment_status) == (f"T1-{no}", 0, no, "paid")
    assert await value(world.database, "SELECT quantity FROM reservation WHERE order_key = :k", k=sent.key) == 2
    task = (await rows(world.database, "SELECT * FROM message WHERE kind = 'exception.reship'"))[0]
    assert task.roles == "warehouse_lead"
    assert "A x 2" in task.text
    assert await value(world.database, "SELECT amount_minor FROM receivable_change") == 0
    events = await rows(world.database, "SELECT process, event FROM process_event")
    assert [tuple(one) for one in events] == [(f"exception:{no}", "opened")]
    assert "张三丰".encode() not in row.words_sealed
    assert await rows(world.database, DRIFTED) == []


async def test_a_refund_opens_a_case_a_red_letter_draft_and_less_is_receivable(world: CaseWorld) -> None:
    """EXC-2, FIN-7: no invoice is known, and the draft says so."""
    no = await opened(world, "refund", amount_minor=500)
    case = (await rows(world.database, "SELECT * FROM after_sales_case"))[0]
    assert (case.kind, case.wanted_minor, case.order_key) == ("compensation", 500, key())
    draft = (await rows(world.database, "SELECT * FROM red_letter_draft"))[0]
    assert (draft.state, draft.amount_minor) == ("no_invoice", 500)
    assert "no invoice of this order is known" in draft.reason
    change = (await rows(world.database, "SELECT * FROM receivable_change"))[0]
    assert (change.amount_minor, change.order_key, change.source) == (-500, key(), f"exception:{no}")


async def test_what_a_case_really_granted_corrects_the_receivable_change(world: CaseWorld) -> None:
    no = await opened(world, "refund", amount_minor=500)
    update = "UPDATE after_sales_case SET granted_minor = 300, closed_at = opened_at RETURNING no"
    await value(world.database, update)
    await decide(world, no, "close", words="paid 3.00")
    assert await value(world.database, "SELECT sum(amount_minor) FROM receivable_change") == -300


async def test_a_couriers_fault_makes_a_claim_that_is_won_once(world: CaseWorld) -> None:
    """EXC-2: courier → claim; what it brings is receivable."""
    no = await opened(world, responsible="courier")
    claim = (await rows(world.database, "SELECT * FROM claim"))[0]
    assert (claim.against, claim.party, claim.asked_minor) == ("courier", "SF SF1", 2000)
    async with world.database.transaction() as tx:
        assert await claims.hand_in(tx, claim.no, "bob", world.now) == "handed_in"
        assert await claims.end(tx, claim.no, 1500, "", ("bob", world.now)) == "won"
    async with world.database.transaction() as tx:
        with pytest.raises(BadInput, match="is won already"):
            await claims.end(tx, claim.no, 1500, "", ("bob", world.now))
    found = await rows(world.database, "SELECT amount_minor, source FROM receivable_change ORDER BY id")
    assert [tuple(one) for one in found] == [(0, f"exception:{no}"), (1500, f"claim:{claim.no}")]


async def test_a_gift_is_an_order_without_a_price(world: CaseWorld) -> None:
    no = await opened(world, "gift", gift_sku="B")
    line = (await rows(world.database, "SELECT * FROM order_line WHERE order_key = :k", k=key(f"T1-{no}")))[0]
    assert (line.sku, line.quantity, line.amount_minor) == ("B", 1, 0)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"order_key": "own:demo:NONE"}, "no order own:demo:NONE"),
        ({"units": 3}, "3 units; 2 were ordered"),
        ({"compensation": "refund", "amount_minor": 2001}, "at most 20.00 can"),
    ],
)
async def test_what_cannot_be_is_refused_and_nothing_is_left(
    world: CaseWorld, more: dict[str, Any], words: str
) -> None:
    """EXC-1: always bound to an order."""
    with pytest.raises(BadInput, match=words):
        await opened(world, **more)
    for table in ("order_exception", "after_sales_case", "process_event", "receivable_change"):
        assert await rows(world.database, f"SELECT 1 FROM {table}") == []  # noqa: S608


async def test_nobody_handles_it_and_the_ladder_is_climbed_once_a_rung(world: CaseWorld) -> None:
    """EXC-3: 2 h service supervisor, 24 h the head of the company, marked 影响NPS风险, also when it was handled."""
    no, ladder, begun = await opened(world), SqlLadder(world.database, EXCEPTIONS), world.now
    step = await ladder.look(no, begun)
    assert [(one.rung, one.at - begun) for one in step.climbs] == [
        (0, timedelta(hours=1.5)), (1, timedelta(hours=2)), (2, timedelta(hours=24)),
    ]  # fmt: skip
    await ladder.climb(no, 1, begun + timedelta(hours=1))
    assert await _told(world) == [], "the rung is not reached"
    for _ in range(2):
        await ladder.climb(no, 1, begun + timedelta(hours=2))
    assert await _told(world) == [("service_supervisor", f"异常单 {no} 超时")]
    world.now = begun + timedelta(hours=20)
    await decide(world, no, "handle")
    step = await ladder.look(no, world.now)
    assert [(one.rung, one.at - begun) for one in step.climbs] == [(1, timedelta(hours=24))]
    await ladder.climb(no, 1, begun + timedelta(hours=24))
    assert await _told(world) == [
        ("service_supervisor", f"异常单 {no} 超时"),
        ("ceo", f"【影响NPS风险】异常单 {no} 超时"),
    ]  # by mail and by phone


async def _told(world: CaseWorld) -> list[tuple[str, str]]:
    found = await rows(world.database, "SELECT roles, title FROM message WHERE kind = 'exception.overdue' ORDER BY id")
    return list(dict.fromkeys((one.roles, one.title) for one in found))


async def test_decisions_count_once_and_opened_again_it_has_a_ladder_of_its_own(world: CaseWorld) -> None:
    no = await opened(world)
    assert (await decide(world, no, "hand_over", owner="carol")).taken
    assert (await decide(world, no, "handle")).words == "handled"
    assert (await decide(world, no, "handle")).words == "taken already"
    assert not (await decide(world, no, "close", nonce="c0")).taken
    assert (await decide(world, no, "close", words="sent again")).words == "closed"
    ladder = SqlLadder(world.database, EXCEPTIONS)
    assert (await ladder.look(no, world.now)).over
    world.now += timedelta(days=3)
    assert (await decide(world, no, "reopen", words="he called again")).words == "open"
    step = await ladder.look(no, world.now)
    assert (step.over, step.climbs[0].at > world.now) == (False, True)
    last = (await rows(world.database, "SELECT process FROM process_event ORDER BY id DESC LIMIT 1"))[0]
    assert last.process == f"exception:{no}:2"
    assert not (await decide(world, "E0", "handle", nonce="x")).taken


async def test_a_red_letter_is_drafted_once_the_invoice_is_known_and_finance_confirms(world: CaseWorld) -> None:
    """FIN-7: the whole order is paid back; the drain makes a draft, nothing is issued."""
    no, blue = await opened(world, "refund", amount_minor=2000), "2" * 20
    account = replace(WMS, vendor="nuonuo", code="tax", role=Role.INVOICES)
    async with world.database.transaction() as tx:
        assert await red_letters.set_invoice(tx, no, Blue(blue), "fin", world.now) == "wanted"
    assert "no account for invoices" in await value(world.database, "SELECT reason FROM red_letter_draft")
    await Shops(world.database, world.ring).add(account, None, world.now)
    async with world.database.transaction() as tx:
        with pytest.raises(BadInput, match="20 digits"):
            await red_letters.set_invoice(tx, no, Blue("12"), "fin", world.now)
        await red_letters.set_invoice(tx, no, Blue(blue), "fin", world.now)
    outgoing, clerk = SqlOutgoing(world.database, world.ring), FakeClerk()
    drafting = RedLetterDrafting(outgoing, SqlRedLetters(world.database), clerk, lambda: world.now)
    queue = Queue("red_letter", "nuonuo", "tax")
    (call,) = await outgoing.claim(queue, world.now, 10)
    for _ in range(2):
        await drafting.draft(queue, call)
    assert clerk.asked == [RedLetterAsk(no, "T1", blue)]
    row = (await rows(world.database, "SELECT * FROM red_letter_draft"))[0]
    assert (row.state, row.bill_no, row.reason) == ("drafted", no, "")
    async with world.database.transaction() as tx:
        assert await red_letters.confirm(tx, no, "fin", world.now) == "confirmed"
    async with world.database.transaction() as tx:
        with pytest.raises(BadInput, match="confirmed already"):
            await red_letters.confirm(tx, no, "fin", world.now)


async def test_the_red_letter_of_a_part_names_the_lines_that_finance_copied_and_adds_up(world: CaseWorld) -> None:
    """FIN-7: without lines it stays by hand and says why; lines that do not add up are refused; asked for once."""
    no, blue = await opened(world, "refund", amount_minor=1000, units=1), "2" * 20
    await Shops(world.database, world.ring).add(
        replace(WMS, vendor="nuonuo", code="tax", role=Role.INVOICES), None, world.now
    )
    code = "1040201000000000000"
    async with world.database.transaction() as tx:
        assert await red_letters.set_invoice(tx, no, Blue(blue), "fin", world.now) == "wanted"
    assert "no service tells us the lines" in await value(world.database, "SELECT reason FROM red_letter_draft")
    async with world.database.transaction() as tx:
        with pytest.raises(BadInput, match=r"the lines come to 9\.99, but 10\.00 is paid back"):
            await red_letters.set_invoice(tx, no, Blue(blue, f"1 短袖 1 9.99 13% {code}"), "fin", world.now)
    part = Blue(blue, f"1 短袖 1 9.00 13% {code}\n3 运费 1 1 6% {code}")
    for _ in range(2):
        async with world.database.transaction() as tx:
            assert await red_letters.set_invoice(tx, no, part, "fin", world.now) == "wanted"
    async with world.database.transaction() as tx:
        with pytest.raises(BadInput, match="has not answered yet"):
            await red_letters.set_invoice(tx, no, Blue(blue, f"1 短袖 1 10 13% {code}"), "fin", world.now)
    outgoing, clerk = SqlOutgoing(world.database, world.ring), FakeClerk()
    drafting = RedLetterDrafting(outgoing, SqlRedLetters(world.database), clerk, lambda: world.now)
    (call,) = await outgoing.claim(Queue("red_letter", "nuonuo", "tax"), world.now, 10)
    await drafting.draft(Queue("red_letter", "nuonuo", "tax"), call)
    lines = (RedLine(1, "短袖", 1, 900, 1300, code), RedLine(3, "运费", 1, 100, 600, code))
    assert clerk.asked == [RedLetterAsk(no, "T1", blue, lines)]
    async with world.database.transaction() as tx:
        with pytest.raises(BadInput, match="made already"):
            await red_letters.set_invoice(tx, no, Blue("3" * 20), "fin", world.now)


class FakeClerk:
    """A service for invoices that remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[RedLetterAsk] = []

    async def clerk(self, vendor: str, code: str) -> InvoiceClerk:
        return self

    async def draft(self, ask: RedLetterAsk) -> str:
        self.asked.append(ask)
        return ask.bill_no
