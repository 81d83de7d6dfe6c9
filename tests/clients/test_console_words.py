"""Everything an operator may read is said in Chinese: waits, refusals, alerts; and nothing becomes markup."""

import re
from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from clients.console import completeness_words
from clients.console.html import money, tag, url
from clients.console.lists import DEFAULT_ZONE, end_of_day
from clients.console.words import ALERTS, CHOICES, FOR_BUYER, ROLES, STATUSES, WAITS, said
from domain.completeness import Fault, Mark
from domain.connections import Connection, finding, silent
from domain.inbound import ALERTS as OF_INBOUND
from domain.late import late
from domain.orders import OrderEvent, OrderStatus
from domain.permissions import UserRole
from domain.waits import WaitFor
from domain.watch import OF_THE_ENGINE, OF_THE_STORE, OVERSIZE, AlertLimits
from store.adjustments import BLOCKED
from store.counts import FAILED, INACCURATE
from store.order_marks import LATE
from store.receipts import DIFFERS, REFUSED
from store.transfers import NOT_FREE
from tests.conftest import NOON
from workflows.decisions import Choice, Decision, refuse_decision
from workflows.orders import TOO_LATE

STATES = [
    ("", "", False, "closed: unpaid"),
    ("", "", True, ""),
    ("", "a card is missing", False, ""),
    ("out of stock: A", "", False, ""),
]
"""Parked, held, shipped, ended."""


def refusals() -> set[str]:
    found = set()
    for choice in Choice:
        for parked, held, shipped, ended in STATES:
            for actor in ("alice", ""):
                try:
                    refuse_decision(Decision(choice, actor), parked=parked, held=held, shipped=shipped, ended=ended)
                except ValueError as reason:
                    found.add(str(reason))
    return found


def chinese(words: str) -> bool:
    return bool(re.search(r"[\u4e00-\u9fff]", words))


def test_every_refusal_of_the_workflow_is_said_in_chinese() -> None:
    assert len(refusals()) >= 6
    assert [words for words in {*refusals(), TOO_LATE} if not chinese(said(words))] == []


def test_every_wait_choice_state_and_role_has_words() -> None:
    assert set(WAITS) == set(FOR_BUYER) == set(WaitFor)
    assert {choice.value for choice in Choice} <= set(CHOICES)
    assert {status.value for status in OrderStatus} == set(STATUSES)
    assert set(ROLES) == set(UserRole)


def test_every_alert_of_late_orders_is_said_in_chinese() -> None:
    cases = [late(status, reason, event) for status in OrderStatus for reason in ("unpaid", "") for event in OrderEvent]
    found = [one for one in cases if one]
    assert found
    assert [one.words for one in found if not chinese(said(one.words)) or one.kind not in ALERTS] == []
    assert [words for _, words in LATE.values() if not chinese(said(words))] == []


def test_every_alert_of_the_watch_has_a_title() -> None:
    assert {*OF_THE_ENGINE, *OF_THE_STORE, OVERSIZE} <= ALERTS.keys()


POOLS = [
    "TEE: 21 wanted, and 20 free (20 on hand - 0 allocated - 0 reserved - 0 in pools). Nothing is changed",
    "TEE: 1 wanted, and pool live has 0 locked and not sold. Nothing is changed",
    "pool live still has 12 units of 3 SKUs locked; first: oms pool release live --all",
    "2 orders hold 7 units out of pool live, where they go back if an order is cancelled: remove it once they are gone",
    "no pool 'x'; see oms pool list, or add it: oms pool add x",
    "TEE: 7 of 10 good units in GZ are free; the others are promised to orders or locked for a channel pool",
    "31 units wait to be shipped, more than 30 % of the 100 available: douyin sees 50 %",
]


def test_every_refusal_of_a_pool_change_is_said_in_chinese() -> None:
    assert [words for words in POOLS if not chinese(said(words))] == []
    assert said("A: 8 wanted, and pool p has 5 locked and not sold. Nothing is changed") == (
        "A 要 8 件，渠道池 p 只锁定 5 件。没有任何改动"
    )


def test_every_alert_of_counts_transfers_and_shipments_has_a_title() -> None:
    found = {*OF_INBOUND, INACCURATE, FAILED, BLOCKED, NOT_FREE, DIFFERS, REFUSED, "approval_waiting", "approval_late"}
    assert found <= ALERTS.keys()


@pytest.mark.parametrize(
    "words",
    [
        "alice asked for it: a second person has to decide",
        "a refusal needs a reason",
        "it is approved already",
        "waits for a second person: COAT (good) at GZ01: -50 by count PD2611220001",
        "the count of GZ01 found -3, not booked: 1 units of A more are promised than would be left: own:s:1",
        "count PD1: 50.00 % of the SKUs agree, wanted are 99.2 %",
        "the customs number is missing; owner: wang",
        "received otherwise than announced: A 12 of 15",
    ],
)
def test_what_is_said_of_counts_and_approvals_is_said_in_chinese(words: str) -> None:
    assert chinese(said(words))


def test_parts_of_a_sentence_are_said_too_and_what_is_unknown_stays() -> None:
    assert said("closed: cancelled by alice") == "已关闭：由 alice 取消"
    assert said("to be reviewed: 5 orders from one IP in 10 min, vague address") != ""
    assert said("some words {0} nobody knows") == "some words {0} nobody knows"
    assert said("out of stock: {x}, %s") == "缺货：{x}, %s"


@pytest.mark.parametrize("evil", ["<script>alert(1)</script>", '"><img src=x onerror=1>', "a&b", "'x'"])
def test_no_text_becomes_markup(evil: str) -> None:
    built = tag("a", evil, [evil], title=evil, href=url("/search", q=evil))
    assert "<script" not in built
    assert "<img" not in built
    assert built.count("<") == 2


def test_money_and_the_viewers_day_are_written_as_people_do() -> None:
    assert money(-123456, "CNY") == "−¥1,234.56"
    assert money(5, "USD") == "USD 0.05"
    assert end_of_day(NOON, ZoneInfo(DEFAULT_ZONE)).isoformat() == "2026-11-22T16:00:00+00:00"


def test_what_the_ledger_and_the_connections_say_is_said_in_chinese() -> None:
    now = NOON
    one = Connection("taobao", "tm", now - timedelta(days=2), pushes=True, pulls=True, token=True, scheduled=False)
    limits = AlertLimits(15, 60, 60, 30, 900, 3600, 3600, call_attempts=8, stock_push_seconds=60)
    found = [finding(replace(one, order_at=now), limits, now), silent(one, limits, now)]
    words = [
        *(told.words for told in found if told),
        "2 orders are missing since 2026-11-22 04:00 UTC: A, B."
        " They are asked for again and again; see oms completeness",
        "1 orders are missing since 2026-11-22 04:00 UTC (the platform counts 3 orders and names 2)."
        " They are asked for again and again; see oms completeness",
        "it does not say which orders it has, so nothing is proven: HTTP 503",
    ]
    assert len(words) == 5
    assert [one for one in words if not chinese(said(one))] == []
    assert set(completeness_words.MARKS) == set(completeness_words.SIGNS) == set(Mark)
    assert set(completeness_words.FAULTS) == set(Fault)
