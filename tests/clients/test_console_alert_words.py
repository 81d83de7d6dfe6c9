"""What alerts say is said in Chinese on the console, whoever raised them (OPS-3)."""

import re

import pytest

from clients.console.message_words import RECIPIENTS
from clients.console.words import said
from domain import drift
from domain.call_limits import CallShare, Ways, crowded
from domain.payments import Taken, misfit
from domain.watch import (
    AccountCalls,
    AlertLimits,
    Backlog,
    EngineFigures,
    Figures,
    StockLag,
    StoreFigures,
    TaskQueue,
    findings,
)

ENGLISH = re.compile(r"[a-z]{3,} [a-z]{2,} [a-z]{2,}")
LIMITS = AlertLimits(1, 1, 1, 1, 1, 1, 1, 1, 1)
COMMAND = re.compile(r"oms [a-z -]+[\w/]*")


def english(words: str) -> bool:
    """Say whether words in English are left, commands aside."""
    return ENGLISH.search(COMMAND.sub("", said(words))) is not None


@pytest.mark.parametrize(
    "words",
    [
        "5 messages within 5 min could not be verified. If the key has changed: oms shop key own demo --secret-file "
        "FILE, then oms inbox replay --all-unverified --source own --shop demo",
        "wechatpay says 5 of refund R-1, we asked for 6: look there",
        "500 CNY (minor units) were not paid back: NOT_ENOUGH",
        "closed (cancelled by demo) though the buyer has paid: wechatpay is asked to pay it back",
        "case C1 kept its units from being shipped and ended without money: pay back what they cost",
        "nothing is paid for case C1, and own waits for an answer to its case AS1: answer it there",
        "douyin/dy did not take agree_return for case C1: no; decide it on its own pages",
        "qimen/wms does not expect it: item-not-found; tell it by hand",
        "the channel forbids to ship it now (105), but it is pushed: before it leaves, oms order hold NO",
        f"a list gave order T1 as changed {drift.words(28_800)}. Check the clocks, and the zone of the shop; then: "
        "oms alert clear clock:own/demo",
        "paid, but out of stock: TEE-WHITE-M",
        "T1 was refunded and no callback came: we found it by asking. Is its push on, does its key fit? See oms",
        "3 pulls in a row failed: unavailable: douyin answered HTTP 503 about afterSale.List",
        "3 pulls in a row failed: unavailable: douyin cannot be reached about token.refresh: ConnectError",
        "3 pulls in a row failed: unavailable: douyin/dy lists does not answer at present",
        crowded(CallShare("douyin", "dy", 24, 8), Ways(120, "pull_period_seconds", True, True, True), LIMITS).words,
        crowded(CallShare("amazon", "us", 24, 8), Ways(pushes=True, queue_with="queue_url"), LIMITS).words,
        "6 units wait to be shipped, more than 30 % of the 15 available: douyin sees 50 %",
        "nobody has decided in time: GZ01",
        f"{misfit(Taken(600, 'CNY'), 'X1', 500, 'CNY')}: look at it at wechatpay, then pay back there what is too much",
    ],
)
def test_what_an_alert_says_is_said_in_chinese(words: str) -> None:
    assert not english(words), said(words)
    assert said(words) != words


@pytest.mark.parametrize("role", RECIPIENTS)
def test_who_was_told_is_named_in_chinese(role: str) -> None:
    told = said(f"影响NPS风险: review is overdue since 11-28 22:17 UTC; told: {role}")
    assert RECIPIENTS[role] in told
    assert "待审核超时" in told


def test_every_alert_of_the_watch_is_said_in_chinese() -> None:
    """OPS-1."""
    queues = (TaskQueue("orders", ()), TaskQueue("ocr", (), labels=True), TaskQueue("shops", ("w1",), 5, 90.0))
    calls = (AccountCalls("refund", "wechatpay", "pay", 3, 90.0, 9, 2), AccountCalls("case", "own", "demo", 1, 90.0))
    late = (Backlog(0, 5, 90.0),)
    stock = (StockLag("own", "demo", 3, 90.0), StockLag("own", "b", unlooked_seconds=90.0, refused=2, words="no"))
    store = StoreFigures(apply=late, deliver=late, calls=calls, stock=stock)
    found = findings(Figures(store, EngineFigures(queues, failing=2), oversize_bytes=3_000_000), LIMITS)
    assert len(found) >= 11
    assert [one.words for one in found if english(one.words)] == []
