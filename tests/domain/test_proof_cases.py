"""The proof of cases finds money that moved twice, never, or another sum (AFT-7)."""

from typing import Any

import pytest

from domain.proof_cases import CaseFact, prove_cases

OURS = CaseFact("own", "demo", "AS1", "C1", "closed", 500)
THEIRS = {"channel": "own", "shop": "demo", "order_no": "T1", "kind": "refund", "state": "paid", "amount_minor": 500}
THEIRS |= {"paid": 1, "agreed": 1}


def found(ours: list[CaseFact], **changed: Any) -> list[tuple[str, str]]:
    books = {"cases": {"AS1": {**THEIRS, **changed}}}
    return [(finding.rule, finding.words) for finding in prove_cases(ours, books)]


def test_books_that_say_the_same_prove_it() -> None:
    assert found([OURS]) == []
    assert list(prove_cases([OURS], {})) == [], "a world without cases"


@pytest.mark.parametrize(
    ("changed", "rule", "words"),
    [
        ({"paid": 2}, "doubled", "paid this case 2 times"),
        ({"paid": 0, "state": "asked"}, "case money", "500 paid here and 0 at the channel"),
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
