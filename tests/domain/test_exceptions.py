"""Exceptions: three required answers, one table of what follows, refusals in words (EXC-1, EXC-2)."""

from dataclasses import replace

import pytest

from domain.errors import BadInput
from domain.exceptions import (
    Compensation,
    ExceptionChoice,
    ExceptionDecision,
    ExceptionKind,
    ExceptionLine,
    ExceptionState,
    NewException,
    Responsible,
    Route,
    chosen,
    process_id,
    refuse_decision,
    refuse_new,
    routes,
)

SHORT = NewException(
    "own:demo:T1", ExceptionKind.SHORT, Responsible.WAREHOUSE, Compensation.RESHIP,
    (ExceptionLine("1", "TEE", 2),), "n1", "alice",
)  # fmt: skip
REFUND = replace(SHORT, compensation=Compensation.REFUND, amount_minor=500)
GIFT = replace(SHORT, compensation=Compensation.GIFT, gift_sku="SOCKS")


@pytest.mark.parametrize(
    ("responsible", "compensation", "wanted"),
    [
        ("warehouse", "reship", [Route.SHIP_AGAIN, Route.TASK]),
        ("warehouse", "refund", [Route.CASE, Route.RED_LETTER]),
        ("warehouse", "gift", [Route.GIFT]),
        ("courier", "reship", [Route.SHIP_AGAIN, Route.TASK, Route.CLAIM]),
        ("courier", "refund", [Route.CASE, Route.RED_LETTER, Route.CLAIM]),
        ("supplier", "gift", [Route.GIFT, Route.CLAIM]),
    ],
)
def test_what_follows_stands_in_one_table(responsible: str, compensation: str, wanted: list[Route]) -> None:
    assert list(routes(Responsible(responsible), Compensation(compensation))) == wanted


@pytest.mark.parametrize("new", [SHORT, REFUND, GIFT])
def test_a_complete_exception_is_not_refused(new: NewException) -> None:
    assert refuse_new(new, {"1": 2}, 500) == ""


@pytest.mark.parametrize(
    ("new", "words"),
    [
        (replace(SHORT, opened_by=" "), "who opens it"),
        (replace(SHORT, lines=()), "needs lines"),
        (replace(SHORT, lines=(ExceptionLine("9", "TEE", 1),)), "no line '9'; it has 1"),
        (replace(SHORT, lines=(ExceptionLine("1", "TEE", 3),)), "3 units; 2 were ordered"),
        (replace(SHORT, lines=(ExceptionLine("1", "TEE", 0),)), "0 units"),
        (replace(SHORT, amount_minor=1), "with a refund only"),
        (replace(REFUND, amount_minor=None), "needs its amount"),
        (replace(REFUND, amount_minor=501), "5.01 cannot be paid back; at most 5.00"),
        (replace(GIFT, gift_sku=""), "needs its SKU"),
    ],
)
def test_what_is_missing_is_named(new: NewException, words: str) -> None:
    assert words in refuse_new(new, {"1": 2}, 500)


def test_kind_responsibility_and_compensation_are_required() -> None:
    assert chosen(ExceptionKind, " SHORT ", "kind") is ExceptionKind.SHORT
    with pytest.raises(BadInput, match="responsible is missing; it is one of warehouse, courier, supplier"):
        chosen(Responsible, "", "responsible")
    with pytest.raises(BadInput, match="'coupon' is no compensation; it is one of reship, refund, gift"):
        chosen(Compensation, "coupon", "compensation")


@pytest.mark.parametrize(
    ("choice", "state", "more", "words"),
    [
        ("handle", "open", {}, ""),
        ("handle", "handled", {}, "handled already"),
        ("handle", "closed", {}, "open it again first"),
        ("hand_over", "open", {}, "owner is empty"),
        ("hand_over", "handled", {"owner": "bob"}, ""),
        ("close", "open", {}, "say what was done"),
        ("close", "open", {"words": "sent again"}, ""),
        ("reopen", "open", {"words": "x"}, "only a closed one"),
        ("reopen", "closed", {}, "needs a reason"),
        ("reopen", "closed", {"words": "he called again"}, ""),
    ],
)
def test_a_decision_out_of_turn_is_refused_in_words(choice: str, state: str, more: dict[str, str], words: str) -> None:
    found = refuse_decision(ExceptionDecision(ExceptionChoice(choice), "alice", **more), ExceptionState(state))
    assert words in found
    assert bool(words) is bool(found)


def test_nobody_decides_anonymously_and_every_turn_has_a_workflow_of_its_own() -> None:
    assert "who decides" in refuse_decision(ExceptionDecision(ExceptionChoice.HANDLE, ""), ExceptionState.OPEN)
    assert process_id("exception", "E1", 0) == "exception:E1"
    assert process_id("exception", "E1", 1) == "exception:E1:2"
