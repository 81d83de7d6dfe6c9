"""Exceptions, claims and tickets on the command line (EXC-1, EXC-2, EXC-4)."""

import csv
import io
import zipfile
from pathlib import Path

import pytest

from clients.console.service_words import ACTIONS
from clients.console.words import said
from domain.exceptions import ExceptionChoice
from domain.tickets import TicketChoice, TicketKind, TicketObserved, TicketSource
from store.database import Database
from store.keyring import KeyRing
from store.order_intake import Booking, apply_order
from store.ticket_intake import apply_ticket
from tests.clients.worlds import Oms
from tests.conftest import NOON
from tests.store.builders import NAME, PHONE, TIMING, key, order, rows, stocked, value


@pytest.fixture
async def sold(database: Database, cli_ring: KeyRing) -> None:
    await stocked(database, cli_ring, A=10)
    async with database.transaction() as tx:
        await apply_order(tx, Booking(cli_ring, TIMING, NOON), order(skus={"A": 2}), 0)


@pytest.mark.usefixtures("sold")
async def test_a_complaint_becomes_an_exception_with_a_claim_and_its_evidence(
    oms: Oms, database: Database, tmp_path: Path
) -> None:
    code, words = await oms("ticket", "add", "订单 T1 少了一件", "--actor", "alice", "--source", "phone")
    assert code == 0, words
    ticket = words.split(":")[0]
    shown = (await oms("ticket", "show", ticket))[1]
    assert f"order_key: {key()}" in shown
    assert "订单 T1 少了一件" in shown
    assert "answered" in (await oms("ticket", "answer", ticket, "马上补发", "--actor", "alice"))[1]
    opening = ["exception", "open", "T1", "--actor", "alice", "--kind", "short", "--lines", "1=1"]
    code, words = await oms(*opening, "--compensation", "reship")
    assert (code, "responsible is missing; it is one of warehouse, courier, supplier" in words) == (2, True)
    code, words = await oms(*opening, "--compensation", "reship", "--responsible", "courier")
    assert code == 0, words
    no = words.split(":")[0]
    assert "claim" in (await oms("exception", "show", no))[1]
    pack = tmp_path / "pack.zip"
    assert (await oms("claim", "pack", f"{no}-L", str(pack), "--actor", "alice"))[0] == 0
    with zipfile.ZipFile(pack) as archive:
        texts = {name: archive.read(name).decode("utf-8-sig") for name in archive.namelist()}
    assert {"claim.csv", "order.csv", "lines.csv", "parcels.csv", "scans.csv", "warehouse.csv"} <= texts.keys()
    assert next(csv.DictReader(io.StringIO(texts["lines.csv"])))["affected"] == "1"
    assert NAME not in str(texts)
    assert PHONE not in str(texts)
    assert "handed_in" in (await oms("claim", "hand-in", f"{no}-L", "--actor", "alice"))[1]
    assert "won" in (await oms("claim", "won", f"{no}-L", "9.50", "--actor", "alice"))[1]
    assert "+9.50 CNY" in (await oms("exception", "show", no))[1]
    assert no in (await oms("ticket", "list", "--all"))[1]
    code, words = await oms("exception", "close", no, "--actor", "alice")
    assert (code, "say what was done" in words) == (2, True)
    assert "closed" in (await oms("exception", "close", no, "--actor", "alice", "--done", "补发"))[1]
    assert no in (await oms("exception", "list", "--closed"))[1]
    packed = await rows(database, "SELECT actor FROM audit WHERE action = 'claim.packed'")
    assert [row.actor for row in packed] == ["alice"]


@pytest.mark.usefixtures("sold")
async def test_what_came_with_a_message_is_shown(oms: Oms, database: Database, cli_ring: KeyRing) -> None:
    told = TicketObserved(
        "imap", "help", "m1", "m1", TicketKind.QUESTION, TicketSource.MAIL, NOON, "到了吗", "D404",
        contact="li@example.com", photos=("https://a/1.jpg",), notes=("2 quoted lines",),
    )  # fmt: skip
    async with database.transaction() as tx:
        await apply_ticket(tx, Booking(cli_ring, TIMING, NOON), told, 7)
    shown = (await oms("ticket", "show", str(await value(database, "SELECT no FROM ticket"))))[1]
    for words in ("source: mail", "named_order: D404", "imap/help (asked): 到了吗", "contact: li@example.com",
                  "photo: https://a/1.jpg", "left out: 2 quoted lines", "raw message: oms inbox show 7"):  # fmt: skip
        assert words in shown


@pytest.mark.usefixtures("sold")
@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("exception", "show", "E1"), "no exception 'E1'; see oms exception list"),
        (("exception", "handle", "E1", "--actor", "a"), "there is no exception E1"),
        (("ticket", "add", " ", "--actor", "a"), "there are no words"),
        (("ticket", "add", "x", "--actor", "a", "--order", "NONE"), "no order was found"),
        (("ticket", "macro", "m", "t", "{x}", "--actor", "a"), "nobody knows {x}"),
        (("claim", "won", "E1-L", "1", "--actor", "a"), "there is no claim E1-L"),
        (("claim", "won", "E1-L", "1.234", "--actor", "a"), "no amount such as 12.50"),
        (("exception", "open", "T1", "--actor", "a", "--lines", "1:2", "--kind", "short", "--responsible", "courier",
          "--compensation", "gift"), "no LINE=UNITS"),
    ],
)  # fmt: skip
async def test_what_cannot_be_is_said_in_words(oms: Oms, words: tuple[str, ...], reason: str) -> None:
    code, told = await oms(*words)
    assert code == 2
    assert reason in told.replace("\n", " ")


def test_every_act_has_a_title_and_refusals_are_said_in_chinese() -> None:
    assert {f"exception.{one.value}" for one in ExceptionChoice} <= ACTIONS.keys()
    assert {"order.exception_opened", "order.exception_moved", "order.ticket"} <= ACTIONS.keys()
    assert TicketChoice.ANSWER.value
    for words in (
        "kind is missing; it is one of short, wrong", "a refund needs its amount", "to close it, say what was done",
        "line 1: 3 units; 2 were ordered, name 1 or more", "5.01 cannot be paid back; at most 5.00 can",
        "影响NPS风险: exception open overdue, since 11-22 12:00 UTC; told: ceo", "to send again needs lines: which",
        "no order was found in what was given: paste its number", "it is open: only a closed one is opened again",
    ):  # fmt: skip
        assert said(words) != words
