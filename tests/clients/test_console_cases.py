"""Words and forms of after-sales in the console; no browser (AFT-3, EXC-4)."""

import re
from datetime import UTC, datetime
from itertools import product
from zoneinfo import ZoneInfo

import pytest

from clients.console import case_words as words
from clients.console.case_deciding import NEEDS
from clients.console.pages.case_acts import ORDER, minor_of
from clients.console.pages.case_reports import asked_of
from clients.console.words import ALERTS, action, said
from domain.after_sales import (
    Actor,
    CaseDecision,
    CaseKind,
    CaseState,
    Choice,
    Origin,
    Outcome,
    refuse_decision,
)
from domain.errors import BadInput
from domain.permissions import Action, UserRole, may
from store.case_payouts import BY_HAND, FAILED
from store.case_steps import OVERDUE
from tests.conftest import NOON

SHANGHAI = ZoneInfo("Asia/Shanghai")


def chinese(told: str) -> bool:
    return bool(re.search(r"[\u4e00-\u9fff]", told)) and not re.search(r"[a-z]{3,}", told)


def refusals() -> set[str]:
    given = [CaseDecision(choice, "ann") for choice in Choice]
    given += [CaseDecision(choice, "ann", "why", 1, "SF", "SF1", "B1") for choice in Choice]
    asked = product(given, CaseState, CaseKind, (True, False))
    return {refuse_decision(one, state, kind, received=came) for one, state, kind, came in asked} - {""}


def test_every_refusal_of_a_case_is_said_in_chinese() -> None:
    assert len(refusals()) >= 20
    assert [one for one in refusals() if not chinese(said(one))] == []


def test_every_kind_state_outcome_choice_and_actor_has_words() -> None:
    assert set(words.KINDS) == set(CaseKind)
    assert set(words.STATES) == set(words.WAITS) == set(CaseState)
    assert set(words.OUTCOMES) == set(Outcome)
    assert set(words.CHOICES) == set(words.EXPLAINED) == set(Choice) == set(ORDER) == set(NEEDS)
    assert set(words.ACTORS) == set(Actor)
    assert set(words.ORIGINS) == set(Origin)
    assert {OVERDUE, BY_HAND, FAILED} <= set(ALERTS)
    entries = [f"case.{choice.value}" for choice in Choice] + [f"case.{state.value}" for state in CaseState]
    assert [one for one in entries if one != "case.checking" and action(one) == one] == []


def test_money_is_paid_by_finance_and_decided_by_agents() -> None:
    assert not may(UserRole.AGENT, NEEDS[Choice.PAID_BY_HAND])
    assert not may(UserRole.FINANCE, NEEDS[Choice.APPROVE])
    assert may(UserRole.WAREHOUSE, Action.SEE_CASES)
    assert not may(UserRole.WAREHOUSE, NEEDS[Choice.APPROVE])


@pytest.mark.parametrize(("typed", "minor"), [("12.34", 1234), ("¥1,200", 120000), (" 0.1 ", 10), ("", None)])
def test_an_amount_is_read_exactly(typed: str, minor: int | None) -> None:
    assert minor_of(typed) == minor


@pytest.mark.parametrize("typed", ["1.234", "-5", "abc", "1e3", "NaN", "１２", "5 5"])
def test_what_is_no_amount_is_refused_in_words(typed: str) -> None:
    with pytest.raises(BadInput, match="两位小数"):
        minor_of(typed)


def test_a_report_is_of_the_last_thirty_days_of_the_viewer_unless_the_address_says_otherwise() -> None:
    asked = asked_of({}, NOON, SHANGHAI)
    assert (asked.query["from"], asked.query["to"]) == ("2026-10-24", "2026-11-22")
    assert asked.period.until == datetime(2026, 11, 22, 16, tzinfo=UTC)
    for bad in ({"from": "2026-12-01"}, {"to": "yesterday"}, {"by": "moon"}):
        with pytest.raises(BadInput):
            asked_of(bad, NOON, SHANGHAI)


def test_a_bundle_that_came_back_in_part_is_told_in_words() -> None:
    """AFT-3: what is missing, and what whoever decides has to name."""
    assert words.differs_words("B 1 of 2; SET whole 0 of 1; X was not announced") == (
        "B 应收 2 件，收到 1 件；组合 SET 应收 1 套，成套收回 0 套；X 不在申请内"
    )
    assert said("only parts of a bundle came back: name the amount, at most 10.00") == (
        "组合商品只收回一部分：请填写退款金额，最多 10.00"
    )
