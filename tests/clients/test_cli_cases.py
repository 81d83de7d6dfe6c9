"""`oms case`: what is asked for, its money line by line, who acts until when; bad input is told so (AFT-3)."""

from datetime import timedelta

import pytest

from clients.clock import utc_now
from domain.after_sales import CaseDecision, Choice
from domain.observations import Observation
from store.apply import book
from store.case_decide import SqlCaseDecisions
from store.case_steps import SqlCaseFacts
from store.database import Database
from store.keyring import KeyRing
from store.observations import Taken
from store.order_intake import Booking
from tests.clients.worlds import Oms, connect
from tests.connectors.worlds import QIMEN
from tests.payments import payment
from tests.store.builders import TIMING, line, order, value

REFUND = ("--kind", "refund", "--reason", "changed_mind", "--actor", "alice")


@pytest.fixture
async def sold(database: Database, ring: KeyRing, oms: Oms) -> Database:
    """An order of two lines with freight, paid and not sent."""
    await connect(database, ring, QIMEN)
    lines = (line("1", "A", 2), line("2", "B", 1, 500))
    seen = order("T1", lines=lines, freight_minor=800, total_minor=3300, paid_minor=3300)
    told: list[Observation] = [seen, payment(amount_minor=3300)]
    for n, one in enumerate(told, 1):
        async with database.transaction() as tx:
            await book(tx, Taken(n, n, "test", one), Booking(ring, TIMING, utc_now()))
    return database


async def number(database: Database) -> str:
    return str(await value(database, "SELECT max(no) FROM after_sales_case"))


async def test_a_case_is_opened_once_and_shown_with_its_money_and_its_clock(
    sold: Database, ring: KeyRing, oms: Oms
) -> None:
    code, said = await oms("case", "open", "T1", *REFUND, "--line", "1:1", "--request", "x")
    assert code == 0, said
    no = await number(sold)
    assert said.startswith(f"{no}: opened about own:demo:T1")
    assert (await oms("case", "open", "T1", *REFUND, "--line", "1:1", "--request", "x"))[1] == said
    await SqlCaseFacts(sold, ring).advance(no, utc_now())
    shown = (await oms("case", "show", no))[1]
    assert "waits for the order to be stopped" in shown
    assert "until" in shown
    assert "warehouse_lead will be told" in shown
    assert no in (await oms("case", "list", "--state", "stopping"))[1]
    async with sold.transaction() as tx:
        await tx.exec_driver_sql("UPDATE after_sales_case SET stop = 'stopped'")
        await tx.exec_driver_sql("UPDATE orders SET status = 'closed', closed_at = created_at")
    await SqlCaseFacts(sold, ring).advance(no, utc_now())
    shown = (await oms("case", "show", no))[1]
    for words in ("line 1, 1 units: 10.00", "freight: 8.00", "granted: 18.00 by policy", "payout: wanted by provider"):
        assert words in shown
    assert "case.granted" in shown


async def test_whoever_books_a_payment_twice_is_shown_the_first(sold: Database, ring: KeyRing, oms: Oms) -> None:
    await oms("case", "open", "T1", "--kind", "compensation", "--reason", "late", "--amount", "12.50")
    no = await number(sold)
    async with sold.transaction() as tx:
        await tx.exec_driver_sql("DELETE FROM payment")
    await SqlCaseFacts(sold, ring).advance(no, utc_now())
    await SqlCaseFacts(sold, ring).advance(no, utc_now() + timedelta(hours=1))
    paid = CaseDecision(Choice.PAID_BY_HAND, "bob", reference="BANK-7")
    assert (await SqlCaseDecisions(sold).decide(no, paid, "n1", utc_now())).taken
    await SqlCaseFacts(sold, ring).advance(no, utc_now())
    code, said = await oms("case", "paid", no, "--reference", "BANK-8", "--actor", "carol")
    assert (code, said) == (2, f"oms: {no} is closed: paid, 12.50 CNY by hand, reference BANK-7\n")
    assert "BANK-7" in (await oms("case", "show", no))[1]


async def test_what_makes_no_sense_is_refused_in_one_line(sold: Database, oms: Oms) -> None:
    for words in (
        ["open", "NOWHERE", *REFUND],
        ["open", "T1", "--kind", "gift", "--reason", "late"],
        ["open", "T1", "--kind", "refund", "--reason", "bored"],
        ["open", "T1", *REFUND, "--line", "9"],
        ["open", "T1", *REFUND, "--line", "1:0"],
        ["open", "T1", *REFUND, "--line", "1:x"],
        ["open", "T1", *REFUND, "--amount", "1.234"],
        ["open", "T1", *REFUND, "--amount", "NaN"],
        ["open", "T1", "--kind", "price", "--reason", "cheaper"],
        ["list", "--state", "sleeping"],
        ["show", "C1"],
        ["approve", "C1"],
        ["paid", "C1", "--reference", "B"],
        ["approve", "C1", "--amount", "-3"],
    ):
        code, said = await oms("case", *words)
        assert (code, len(said.strip().splitlines())) == (2, 1), (words, said)
