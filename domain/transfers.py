"""Transfers between stores and warehouses (调拨, INV-12): which rows of a request are right, what they would change.

Every row is checked on its own and against the rows before it; a fault names line and column, never guesses (I-9).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

MAX_UNITS = 1_000_000
COLUMNS = ("from", "to", "sku", "quantity")
TOTAL = "total"


class TransferState(StrEnum):
    """How a transfer stands."""

    APPROVAL = "approval"
    APPROVED = "approved"
    SHIPPED = "shipped"
    RECEIVED = "received"
    CLOSED = "closed"
    REFUSED = "refused"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Asked:
    """One row of a request as it was read: cells by our names of their columns, `surplus` of them beyond the header."""

    line: int
    cells: Mapping[str, str]
    surplus: int = 0


@dataclass(frozen=True, slots=True)
class Move:
    """Units of one SKU from one place to another; `line` is the row that asks for them."""

    line: int
    source: str
    target: str
    sku: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a row is refused, by the name of its column."""

    line: int
    column: str
    reason: str


@dataclass(frozen=True, slots=True)
class Known:
    """What a request is checked against: places, SKUs, units on hand and free by (place, SKU), wanted sums by place."""

    places: frozenset[str]
    skus: frozenset[str]
    on_hand: Mapping[tuple[str, str], int] = field(default_factory=dict)
    free: Mapping[tuple[str, str], int] = field(default_factory=dict)
    totals: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Change:
    """What a request would change at one place: units of a SKU on hand before and after."""

    place: str
    sku: str
    before: int
    after: int


def check(rows: Sequence[Asked], known: Known) -> tuple[list[Move], list[Fault]]:
    """Sort rows into those that are right and those that are not, with every fault named.

    A sum that does not fit its control total is a fault of all rows of that place: nobody knows which one is wrong.
    """
    moves: list[Move] = []
    faults: list[Fault] = []
    for row in rows:
        found = _faults_of(row, known)
        faults += found
        if not found:
            cells = row.cells
            moves.append(Move(row.line, cells["from"], cells["to"], cells["sku"], int(cells["quantity"])))
    moves, more = _once(moves)
    faults += more
    moves, more = _affordable(moves, known.free)
    faults += more + _sums(rows, moves, known.totals)
    wrong = {fault.line for fault in faults}
    return [move for move in moves if move.line not in wrong], sorted(faults, key=lambda one: one.line)


def _faults_of(row: Asked, known: Known) -> list[Fault]:
    cells = row.cells
    found = [
        *_unknown(row, "from", known.places, "is no known place"),
        *_unknown(row, "to", known.places, "is no known place"),
        *_unknown(row, "sku", known.skus, "is no known SKU"),
        *(Fault(row.line, "quantity", reason) for reason in [_quantity_fault(cells["quantity"])] if reason),
    ]
    if cells["from"] and cells["from"] == cells["to"]:
        found.append(Fault(row.line, "to", "is the place that it comes from"))
    if row.surplus:
        column = found[0].column if found else ""
        found.insert(0, Fault(row.line, column, f"{row.surplus} cells more than the header: a cell has shifted"))
    return found


def _unknown(row: Asked, column: str, known: frozenset[str], reason: str) -> list[Fault]:
    value = row.cells[column]
    if value in known:
        return []
    return [Fault(row.line, column, reason if value else "is empty")]


def _quantity_fault(text: str) -> str:
    if not text:
        return "is empty"
    if not (text.isascii() and text.isdigit()) or not 1 <= int(text) <= MAX_UNITS:
        return f"is not a whole number from 1 to {MAX_UNITS}"
    return ""


def _once(moves: Sequence[Move]) -> tuple[list[Move], list[Fault]]:
    """Refuse a row that asks for the same thing as one before it."""
    first: dict[tuple[str, str, str], int] = {}
    kept, faults = [], []
    for move in moves:
        line = first.setdefault((move.source, move.target, move.sku), move.line)
        if line == move.line:
            kept.append(move)
        else:
            faults.append(Fault(move.line, "sku", f"stands on line {line} already, from and to the same places"))
    return kept, faults


def _affordable(moves: Sequence[Move], free: Mapping[tuple[str, str], int]) -> tuple[list[Move], list[Fault]]:
    """Serve the rows in their order; one that finds too little left at its source is refused."""
    left = dict(free)
    kept, faults = [], []
    for move in moves:
        place = (move.source, move.sku)
        if move.quantity <= left.get(place, 0):
            left[place] -= move.quantity
            kept.append(move)
        else:
            reason = f"is more than the {left.get(place, 0)} that are free there"
            faults.append(Fault(move.line, "quantity", reason))
    return kept, faults


def _sums(rows: Sequence[Asked], moves: Sequence[Move], totals: Mapping[str, int]) -> list[Fault]:
    """Compare what each place would get with its control totals: those given beside the file, and a column of it."""
    got: dict[str, int] = {}
    for move in moves:
        got[move.target] = got.get(move.target, 0) + move.quantity
    faults = []
    for row in rows:
        place = row.cells["to"]
        told = row.cells.get(TOTAL, "")
        wanted = [totals[place]] if place in totals else []
        wanted += [int(told)] if told.isascii() and told.isdigit() else []
        if TOTAL in row.cells and not wanted:
            faults.append(Fault(row.line, TOTAL, "is not a whole number"))
        for one in wanted:
            if one != got.get(place, 0):
                faults.append(Fault(row.line, "quantity", f"{place} would get {got.get(place, 0)}, its total is {one}"))
    return faults


def missing_totals(moves: Iterable[Move], totals: Mapping[str, int]) -> list[str]:
    """Name the places with a control total that no row goes to."""
    seen = {move.target for move in moves}
    return sorted(place for place, units in totals.items() if units and place not in seen)


def diff(moves: Iterable[Move], on_hand: Mapping[tuple[str, str], int]) -> list[Change]:
    """Say what each place would have before and after, by place and SKU."""
    by: dict[tuple[str, str], int] = {}
    for move in moves:
        by[move.source, move.sku] = by.get((move.source, move.sku), 0) - move.quantity
        by[move.target, move.sku] = by.get((move.target, move.sku), 0) + move.quantity
    return [Change(*key, on_hand.get(key, 0), on_hand.get(key, 0) + n) for key, n in sorted(by.items())]


def needs_approval(moves: Sequence[Move], units: int) -> bool:
    """Say whether a second person has to look: a line of at least so many units, or a request that adds up to them."""
    return sum(move.quantity for move in moves) >= units
