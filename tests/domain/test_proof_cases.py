"""The proof of cases finds money that moved twice, never, or another sum (AFT-7)."""

from typing import Any

import pytest

from domain.proof_cases import CaseFact, RedLetterFact, prove_cases, prove_red_letters

OURS = CaseFact("own", "demo", "AS1", "C1", "closed", 500)
THEIRS = {"channel": "own", "shop": "demo", "order_no": "T1", "kind": "refund", "state": "paid", "amount_minor": 500}
THEIRS |= {"paid": 1, "agreed": 1}


def found(ours: list[CaseFact], **changed: Any) -> list[tuple[str, str]]:
    books = {"cases": {"AS1": {**THEIRS, **changed}}}
    return [(finding.rule, finding.words) for finding in prove_cases(ours, books)]


def test_books_that_say_the_same_prove_it() -> None:
    assert found([OURS]) == []
    assert list(prove_cases([], {})) == [], "a world without cases"


@pytest.mark.parametrize(
    ("changed", "rule", "words"),
    [
        ({"paid": 2}, "doubled", "paid this case 2 times"),
        ({"paid": 0, "state": "closed"}, "case money", "500 paid here and 0 at the channel"),
        ({"amount_minor": 400}, "case money", "500 paid here and 400 at the channel"),
    ],
)
def test_money_that_does_not_fit_is_named(changed: dict[str, Any], rule: str, words: str) -> None:
    ((got, said),) = found([OURS], **changed)
    assert got == rule
    assert words in said


def test_a_case_that_is_missing_or_open_is_named() -> None:
    assert [rule for rule, _ in found([])] == ["lost"]
    waits = CaseFact("own", "demo", "AS1", "C1", "paying", 500)
    assert found([waits]) == [("unexplained", "is paying here and paid at the channel")]


@pytest.mark.parametrize("theirs", ["asked", "awaits_goods", "sent"])
def test_a_case_that_ended_here_while_its_channel_waits_is_named(theirs: str) -> None:
    ours = CaseFact("own", "demo", "AS1", "C1", "closed", 0)
    assert found([ours], paid=0, state=theirs) == [("unexplained", f"is closed here and {theirs} at the channel")]
    assert found([ours], paid=0, state="refused") == []


def test_a_case_of_our_own_is_compared_with_the_payment_providers_books() -> None:
    ours = CaseFact("own", "demo", "", "C2", "closed", 700, "R-1")
    books = {"refunds": {"R-1": {"payouts": 1, "amount_minor": 700}}}
    assert list(prove_cases([ours], books)) == []
    (less,) = prove_cases([ours], {"refunds": {"R-1": {"payouts": 1, "amount_minor": 600}}})
    (never,) = prove_cases([ours], {"refunds": {"R-1": {"payouts": 0, "amount_minor": 700}}})
    assert (less.rule, less.words) == ("case money", "700 paid here and 600 at the payment provider")
    assert never.words == "700 paid here and 0 at the payment provider"


def test_a_case_that_was_never_closed_or_that_its_channel_does_not_know_is_named() -> None:
    (still,) = prove_cases([CaseFact("own", "demo", "", "C2", "in_transit", 0)], {})
    assert (still.rule, still.words) == ("unexplained", "is in_transit: it was never closed")
    (strange,) = prove_cases([OURS], {"cases": {}})
    assert (strange.rule, strange.words) == ("case money", "its channel does not know this case")


def test_red_letters_are_the_same_on_both_sides() -> None:
    """FIN-7."""
    ours = [RedLetterFact("E1", "2" * 20, drafted=True)]
    assert list(prove_red_letters(ours, {"red_letters": {"E1": "2" * 20}})) == []
    for theirs in ({}, {"E1": "3" * 20}, {"E1": "2" * 20, "E2": "2" * 20}):
        assert [one.rule for one in prove_red_letters(ours, {"red_letters": theirs})] == ["red letters"]
    (open_,) = prove_red_letters([RedLetterFact("E1", "", drafted=False)], {})
    assert open_.words == "the draft for invoice unknown is not made"
