"""Words and forms of counts, transfers, shipments and reports in the console; no browser."""

import re

import pytest

from clients.console import charts
from clients.console.count_words import (
    APPROVAL_KINDS,
    APPROVALS,
    GRADES,
    PACES,
    STAGES,
    TRANSFERS,
    VERDICTS,
)
from clients.console.forms import with_orders
from clients.console.pages.transfer_sheet import pasted
from clients.console.pages.transfers import WHEN, by_hand
from clients.console.units import read_units
from clients.console.words import said
from domain.approvals import ApprovalState
from domain.counting import Grade, LineVerdict, Look, doubt
from domain.errors import BadInput
from domain.inbound import Stage, refuse_move
from domain.transfers import Asked, Known, TransferState, check
from domain.turnover import Pace
from store.approval_effects import EFFECTS
from store.replay import By
from tests.conftest import NOON

BY = By("li", NOON)


def chinese(words: str) -> bool:
    return bool(re.search(r"[\u4e00-\u9fff]", words))


def test_every_state_stage_verdict_and_pace_has_words() -> None:
    assert set(TRANSFERS) == set(TransferState)
    assert set(APPROVALS) == set(ApprovalState)
    assert set(STAGES) == set(Stage)
    assert (set(GRADES), set(VERDICTS), set(PACES)) == (set(Grade), set(LineVerdict), set(Pace))
    assert set(APPROVAL_KINDS) == set(EFFECTS)
    assert {"ship", "receive", "cancel"} == set(WHEN)


def test_every_fault_of_a_transfer_row_is_said_in_chinese() -> None:
    rows = [
        Asked(2, {"from": "X", "to": "", "sku": "NO", "quantity": "1.5"}, surplus=1),
        Asked(3, {"from": "GZ", "to": "GZ", "sku": "A", "quantity": ""}),
        Asked(4, {"from": "GZ", "to": "S1", "sku": "A", "quantity": "5"}),
        Asked(5, {"from": "GZ", "to": "S1", "sku": "A", "quantity": "5"}),
        Asked(6, {"from": "GZ", "to": "S2", "sku": "A", "quantity": "50"}),
        Asked(7, {"from": "GZ", "to": "S1", "sku": "B", "quantity": "5", "total": "x"}),
    ]
    free = {("GZ", "A"): 10, ("GZ", "B"): 10}
    known = Known(frozenset({"GZ", "S1", "S2"}), frozenset({"A", "B"}), free, free, {"S1": 99})
    faults = check(rows, known)[1]
    assert len({re.sub(r"\d+", "n", fault.reason) for fault in faults}) >= 8
    assert [fault.reason for fault in faults if not chinese(said(fault.reason))] == []


def test_every_doubt_of_a_count_and_every_refused_stage_is_said_in_chinese() -> None:
    doubts = [doubt(one) for one in (Look(9, 8, 3, 1), Look(1, 2, expected=3), Look(1, 2, moved=True))]
    refused = set()
    for now_at in Stage:
        for to in Stage:
            try:
                refuse_move(now_at, to, overseas=False)
            except ValueError as reason:
                refused.add(f"inbound RK1: {reason}")
    assert all(doubts)
    assert len(refused) >= 6
    assert [words for words in {*doubts, *refused} if not chinese(said(words)) or "it is" in said(words)] == []


@pytest.mark.parametrize(
    "words",
    [
        "A2611220001: alice asked for it: a second person has to decide",
        "2 transfers approved, their units are held; not free any more: DB2611220001",
        "booked: TEE at GZ01 -5",
        "transfer DB1 is approved; only a shipped one can be received",
        "line 1: column 数量 is missing; the file has 调出, 调入",
    ],
)
def test_what_comes_of_an_approval_or_a_sheet_is_said_in_chinese(words: str) -> None:
    assert chinese(said(words))


@pytest.mark.parametrize("tab", [True, False])
@pytest.mark.parametrize("header", ["调出,调入,商品编码,数量\n", ""])
def test_rows_are_pasted_with_tabs_or_commas_with_a_header_or_without(tab: bool, header: str) -> None:
    rows = header + "GZ01,S001,TEE,20\nGZ01,S002,,TEE,5\n"
    sheet = pasted(rows.replace(",", "\t") if tab else rows)
    first = 2 if header else 1
    assert [(row.line, row.surplus) for row in sheet.rows] == [(first, 0), (first + 1, 1)]
    assert sheet.rows[0].cells == {"from": "GZ01", "to": "S001", "sku": "TEE", "quantity": "20"}


def test_units_of_a_form_are_read_by_sku_and_nonsense_is_named() -> None:
    assert read_units({"n:A:B": "3", "n:C": "0", "ref": "x"}) == {"A:B": 3, "C": 0}
    for words in ("-1", "1.5", "", "٣", "9999999"):
        with pytest.raises(BadInput, match="A：件数要填"):
            read_units({"n:A": words})


def test_a_receipt_of_nothing_or_without_its_note_is_refused_and_never_becomes_everything() -> None:
    with pytest.raises(BadInput, match="至少填一个"):
        by_hand({"n:A": "0", "ref": "SH1"}, BY)
    with pytest.raises(BadInput, match="送货单号"):
        by_hand({"n:A": "1", "ref": " "}, BY)
    assert by_hand({"n:A": "1", "ref": "SH1"}, BY).final is False


def test_the_orders_of_a_blocked_difference_are_links() -> None:
    words = "3 units of A more are promised than would be left: own:mall:B-1, own:mall:B-2"
    found = "".join(str(part) for part in with_orders(words))
    assert 'href="/orders/own:mall:B-1"' in found
    assert 'href="/orders/own:mall:B-2"' in found


def test_charts_name_every_figure_and_hold_with_nothing_sold() -> None:
    drawn = charts.columns([("11-21", 0), ("11-22", 4)], "<每天>")
    assert "11-22: 4" in drawn
    assert "&lt;每天&gt;" in drawn
    assert 'height="100.0"' in drawn
    assert "<svg" in charts.columns([], "无")
    assert charts.lines([("a", 0, ""), ("b", 0, "bad")], "x").count("<rect") == 2
