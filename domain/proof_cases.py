"""The proof of after-sales cases: what we booked against the channels' own books, case by case (AFT-7)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from domain.proof import Finding, Json

OVER = frozenset({"refused", "paid", "closed", "done"})
"""How the books say that a case has ended at its channel."""


@dataclass(frozen=True, slots=True)
class CaseFact:
    """One case of a channel as we have it; `paid_minor` is what we booked as paid for it."""

    channel: str
    shop: str
    channel_case_no: str
    no: str
    state: str
    paid_minor: int


def prove_cases(cases: Sequence[CaseFact], books: Json) -> Iterable[Finding]:
    """List what does not fit: a case that was paid twice, never, or another sum; one that is missing, or still open."""
    known = {(case.channel, case.shop, case.channel_case_no): case for case in cases}
    for number, one in books.get("cases", {}).items():
        if one["paid"] > 1:
            yield Finding("doubled", number, f"the channel paid this case {one['paid']} times")
        case = known.get((one["channel"], one["shop"], number))
        if case is None:
            yield Finding("lost", number, "the channel knows this case, and it is not here")
            continue
        theirs = one["amount_minor"] if one["paid"] else 0
        if case.paid_minor != theirs:
            yield Finding("case money", case.no, f"{case.paid_minor} paid here and {theirs} at the channel")
        if one["state"] in OVER and case.state != "closed":
            yield Finding("unexplained", case.no, f"is {case.state} here and {one['state']} at the channel")
