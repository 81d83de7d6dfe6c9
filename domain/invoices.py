"""Red-letter invoices (红字): what is asked for as a draft (FIN-7). Only drafts are made here; finance confirms.

A part of an invoice turns red line by line. Which lines the blue one has is on the blue one: finance names them, with
their rate and their code; the tax in them is our arithmetic, and they must add up to what is paid back, to the fen.
"""

import re
from dataclasses import dataclass

RED_LETTER = "red_letter"
"""The kind of outgoing call that makes a draft."""
BLUE_DIGITS = 20
"""A fully digital e-invoice has a number of so many digits."""
CODE_DIGITS = 19
"""A tax classification code (税收分类编码) has so many."""
MOST_LINES = 100
_LINE = re.compile(
    r"(?P<index>\d{1,4})\s+(?P<name>\S.*?)\s+(?P<units>\d{1,6})\s+(?P<whole>\d{1,9})(?:\.(?P<part>\d{1,2}))?"
    r"\s+(?P<rate>\d{1,2}(?:\.\d{1,2})?)\s*[%％]\s+(?P<code>\d+)",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class RedLine:
    """Units of one line of the blue invoice that turn red: what was paid for them with tax, its rate in 1/10,000."""

    blue_index: int
    name: str
    units: int
    amount_minor: int
    rate_basis_points: int
    code: str

    @property
    def untaxed_minor(self) -> int:
        """The amount without its tax, to the nearest minor unit."""
        whole = 10_000 + self.rate_basis_points
        return (self.amount_minor * 20_000 + whole) // (2 * whole)

    @property
    def tax_minor(self) -> int:
        """The tax in the amount: together with the rest it is the amount again."""
        return self.amount_minor - self.untaxed_minor


@dataclass(frozen=True, slots=True)
class RedLetterAsk:
    """A draft that turns a blue invoice red, or the lines named. `bill_no` is our own number, the same at every try."""

    bill_no: str
    order_no: str
    blue_invoice_no: str
    lines: tuple[RedLine, ...] = ()


def refuse_blue(no: str) -> str:
    """Say why a number is none of a blue invoice; empty when it may be."""
    if len(no) == BLUE_DIGITS and no.isascii() and no.isdigit():
        return ""
    return f"{no!r} is no number of an e-invoice: it has {BLUE_DIGITS} digits"


def red_lines(given: str) -> tuple[RedLine, ...]:
    """Read lines as finance copies them off the blue invoice; ValueError names the one that cannot be read.

    One a row: number on the invoice, goods, units, amount with tax, rate, code, such as
    `2 短袖 1 69.00 13% 1040201000000000000`.
    """
    rows = [row.strip() for row in given.splitlines() if row.strip()]
    if len(rows) > MOST_LINES:
        raise ValueError(f"{len(rows)} lines; at most {MOST_LINES} fit on a red letter")
    lines = tuple(_line(row) for row in rows)
    named = [line.blue_index for line in lines]
    if twice := sorted({index for index in named if named.count(index) > 1}):
        raise ValueError(f"line {twice[0]} of the blue invoice stands there twice")
    return lines


def _line(row: str) -> RedLine:
    found = _LINE.fullmatch(row)
    if found is None:
        raise ValueError(f"{row[:60]!r} is no line: number, goods, units, amount, rate and code, with blanks between")
    line = RedLine(
        blue_index=int(found["index"]),
        name=found["name"],
        units=int(found["units"]),
        amount_minor=int(found["whole"]) * 100 + int((found["part"] or "").ljust(2, "0")),
        rate_basis_points=round(float(found["rate"]) * 100),
        code=found["code"],
    )
    if not (line.blue_index and line.units and line.amount_minor):
        raise ValueError(f"{row[:60]!r}: number, units and amount begin at 1, 1 and 0.01")
    if len(line.code) != CODE_DIGITS:
        raise ValueError(f"{line.code!r} is no tax classification code: it has {CODE_DIGITS} digits")
    return line


def refuse_part(lines: tuple[RedLine, ...], paid_back_minor: int) -> str:
    """Say why lines cannot be the red letter of what is paid back; empty when they can."""
    whole = sum(line.amount_minor for line in lines)
    if whole == paid_back_minor:
        return ""
    return f"the lines come to {whole / 100:.2f}, but {paid_back_minor / 100:.2f} is paid back"
