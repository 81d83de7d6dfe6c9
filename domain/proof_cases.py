"""The proof of after-sales cases: what we booked against the books of who paid, case by case (AFT-7).

A platform's case is paid by the platform and stands in its books; what falls to us is paid by a payment provider and
stands in the provider's. Red-letter drafts are compared with the books of the service for e-invoices (FIN-7).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from domain.proof import Finding, Json

CLOSED = "closed"
WAITING = {"asked", "awaits_goods", "sent"}
"""States in which a channel waits for its buyer or for us."""


@dataclass(frozen=True, slots=True)
class CaseFact:
    """One case as we have it; `paid_minor` is what we booked as paid for it.

    `channel_case_no` is empty where no channel knows of it, `refund_no` where no provider was asked to pay.
    """

    channel: str
    shop: str
    channel_case_no: str
    no: str
    state: str
    paid_minor: int
    refund_no: str = ""


@dataclass(frozen=True, slots=True)
class RedLetterFact:
    """A draft as we have it, by our number at the service; `drafted` says that the service has told us so."""

    bill_no: str
    blue_invoice_no: str
    drafted: bool


def prove_cases(cases: Sequence[CaseFact], books: Json) -> Iterable[Finding]:
    """List what does not fit: a case that was paid twice, never, or another sum; one that is missing, or still open."""
    known = {(case.channel, case.shop, case.channel_case_no): case for case in cases if case.channel_case_no}
    for number, one in books.get("cases", {}).items():
        if one["paid"] > 1:
            yield Finding("doubled", number, f"the channel paid this case {one['paid']} times")
        case = known.pop((one["channel"], one["shop"], number), None)
        if case is None:
            yield Finding("lost", number, "the channel knows this case, and it is not here")
            continue
        theirs = one["amount_minor"] if one["paid"] else 0
        if case.paid_minor != theirs:
            yield Finding("case money", case.no, f"{case.paid_minor} paid here and {theirs} at the channel")
        if case.state != CLOSED or one["state"] in WAITING:
            yield Finding("unexplained", case.no, f"is {case.state} here and {one['state']} at the channel")
    for case in known.values():
        yield Finding("case money", case.no, "its channel does not know this case")
    for case in cases:
        if case.state != CLOSED and not case.channel_case_no:
            yield Finding("unexplained", case.no, f"is {case.state}: it was never closed")
    yield from _by_provider(cases, books)


def _by_provider(cases: Sequence[CaseFact], books: Json) -> Iterable[Finding]:
    """Compare what the payment provider paid for a case; how often it paid is checked with all its refunds."""
    for case in cases:
        if case.refund_no and case.paid_minor != (theirs := provider_paid(case, books)):
            yield Finding("case money", case.no, f"{case.paid_minor} paid here and {theirs} at the payment provider")


def provider_paid(case: CaseFact, books: Json) -> int:
    """Say what the payment provider's books paid out for a case, in minor units."""
    one = books.get("refunds", {}).get(case.refund_no)
    return int(one["payouts"] * one["amount_minor"]) if one else 0


def prove_red_letters(drafts: Sequence[RedLetterFact], books: Json) -> Iterable[Finding]:
    """List drafts that only one side has, that we do not know to be made, or that turn another invoice red."""
    ours = {one.bill_no: one.blue_invoice_no for one in drafts if one.drafted}
    for one in drafts:
        if not one.drafted:
            yield Finding(
                "red letters", one.bill_no, f"the draft for invoice {one.blue_invoice_no or 'unknown'} is not made"
            )
    theirs = books.get("red_letters", {})
    for bill in sorted(ours.keys() | theirs.keys()):
        if ours.get(bill) != theirs.get(bill):
            here, there = ours.get(bill, "no draft"), theirs.get(bill, "no draft")
            yield Finding("red letters", bill, f"invoice {here} here and {there} at the service for e-invoices")
