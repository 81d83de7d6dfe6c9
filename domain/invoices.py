"""Red-letter invoices (红字): what is asked for as a draft (FIN-7). Only drafts are made here; finance confirms."""

from dataclasses import dataclass

RED_LETTER = "red_letter"
"""The kind of outgoing call that makes a draft."""
BLUE_DIGITS = 20
"""A fully digital e-invoice has a number of so many digits."""


@dataclass(frozen=True, slots=True)
class RedLetterAsk:
    """A draft that turns a whole blue invoice red. `bill_no` is our own number, the same at every try."""

    bill_no: str
    order_no: str
    blue_invoice_no: str


def refuse_blue(no: str) -> str:
    """Say why a number is none of a blue invoice; empty when it may be."""
    if len(no) == BLUE_DIGITS and no.isascii() and no.isdigit():
        return ""
    return f"{no!r} is no number of an e-invoice: it has {BLUE_DIGITS} digits"
