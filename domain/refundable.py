"""What may be paid back, exact to the fen (AFT-3): by line and quantity, with discounts, freight and earlier refunds.

The buyer's money is spread over the lines by their net prices, the freight apart; the rest of a division goes to the
lines with the largest remainders, so that the shares add up to what was paid. A line's share is spread over its units
by running totals: units 1..k cost floor(share * k / n), so that partial refunds in any order and any cut end at the
same sum. A platform's subsidy is the platform's: it never goes to the buyer. Amounts are minor units of one currency.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PricedLine:
    """One order line: its net amount (after its own discount), and how many of its units were granted back before."""

    line_no: str
    quantity: int
    amount_minor: int
    granted_units: int = 0


@dataclass(frozen=True, slots=True)
class Bill:
    """The money of one order: what the buyer paid, the freight in it, and what went or is going back already.

    `granted_minor` is the sum of all grants and of what the channel refunded by itself; `granted_freight_minor` is a
    part of it, and so is what was granted for no goods (compensation, price protection).
    """

    paid_minor: int
    freight_minor: int
    lines: tuple[PricedLine, ...]
    granted_minor: int = 0
    granted_freight_minor: int = 0


@dataclass(frozen=True, slots=True)
class Part:
    """One line of the arithmetic, as shown: units of an order line, or the freight (`line_no` empty)."""

    line_no: str
    quantity: int
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Refundable:
    """What units may be paid back for, part by part; `cap_minor` is what is left of the order's money at all."""

    parts: tuple[Part, ...]
    cap_minor: int

    @property
    def amount_minor(self) -> int:
        """The sum of the parts, never more than what is left."""
        return min(self.cap_minor, sum(part.amount_minor for part in self.parts))


def shares(bill: Bill) -> dict[str, int]:
    """Spread what was paid, without the freight, over the lines; the shares add up to it."""
    freight = min(bill.freight_minor, bill.paid_minor)
    return _spread(bill.paid_minor - freight, {line.line_no: line.amount_minor for line in bill.lines})


def refundable(bill: Bill, wanted: Mapping[str, int], *, with_freight: bool) -> Refundable:
    """Say what `wanted` units of each line may be paid back for; ValueError names a line that has not so many left.

    The freight comes on top where the policy says so, once. Units that were granted before are not granted again.
    """
    share = shares(bill)
    parts = [_of_line(line, wanted[line.line_no], share[line.line_no]) for line in _asked(bill.lines, wanted)]
    freight = min(bill.freight_minor, bill.paid_minor) - bill.granted_freight_minor
    if with_freight and freight > 0:
        parts.append(Part("", 0, freight))
    return Refundable(tuple(parts), max(0, bill.paid_minor - bill.granted_minor))


def carried_out(unexplained_minor: int, at_channel: Iterable[int]) -> int:
    """Say how much of what a channel was asked to pay back it has paid by now, though it has not said so of the case.

    `unexplained_minor` is what the order says went back beyond all that is confirmed; payments that fit into it, the
    oldest first, are taken for it. One that does not fit is still to come: the channel refunded something by itself.
    """
    left = unexplained_minor
    for amount in at_channel:
        left -= amount if amount <= left else 0
    return unexplained_minor - left


def _asked(lines: Sequence[PricedLine], wanted: Mapping[str, int]) -> Iterable[PricedLine]:
    known = {line.line_no for line in lines}
    if strange := sorted(set(wanted) - known):
        raise ValueError(f"the order has no line {', '.join(strange)}")
    return (line for line in lines if wanted.get(line.line_no))


def _of_line(line: PricedLine, units: int, share: int) -> Part:
    left = line.quantity - line.granted_units
    if units < 0 or units > left:
        raise ValueError(f"line {line.line_no}: {units} units asked for, {left} of {line.quantity} are left")
    before, after = line.granted_units, line.granted_units + units
    amount = share * after // line.quantity - share * before // line.quantity
    return Part(line.line_no, units, amount)


def _spread(total: int, weights: Mapping[str, int]) -> dict[str, int]:
    """Divide a sum by weights, to the last unit; without any weight the first takes all."""
    whole = sum(weights.values())
    if not weights:
        return {}
    if whole <= 0:
        first = next(iter(weights))
        return {name: total if name == first else 0 for name in weights}
    floors = {name: total * weight // whole for name, weight in weights.items()}
    rest = total - sum(floors.values())
    by_remainder = sorted(weights, key=lambda name: (-(total * weights[name] % whole), name))
    for name in by_remainder[:rest]:
        floors[name] += 1
    return floors
