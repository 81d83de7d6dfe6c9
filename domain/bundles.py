"""Bundles (组合商品): what may be one, what of it a warehouse is told, and when its line counts as shipped (INV-1).

Owns the rules and the arithmetic; the components themselves are the store's. Units and minor units throughout.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

from domain.fulfillment import FulfillmentLine, ShippedLine, spread

MOST_COMPONENTS = 50
MOST_EACH = 9_999


@dataclass(frozen=True, slots=True)
class Known:
    """What a new bundle must fit: SKUs that are counted, other bundles, and what is a component of those."""

    counted: Collection[str]
    bundles: Collection[str]
    components: Collection[str]


def faults(bundle: str, parts: Mapping[str, int], known: Known) -> list[str]:
    """Say what is wrong with a bundle; empty when it may be sold. Counted parts only, so there are no cycles."""
    found = []
    if bundle in known.counted:
        found.append(f"{bundle} is counted in a warehouse itself: give the bundle a SKU of its own")
    if bundle in known.components:
        found.append(f"{bundle} is a component of another bundle: a bundle holds no bundles")
    if not 1 <= len(parts) <= MOST_COMPONENTS:
        found.append(f"{bundle} has {len(parts)} components: name 1 to {MOST_COMPONENTS}")
    for sku, quantity in parts.items():
        if not 1 <= quantity <= MOST_EACH:
            found.append(f"{quantity} units of {sku}: name 1 to {MOST_EACH}")
        if sku == bundle or sku in known.bundles:
            found.append(f"{sku} is a bundle: name its components instead")
        elif sku not in known.counted:
            found.append(f"no stock is kept of {sku}: mend the name, or first: oms stock set {sku} COUNT ...")
    return found


@dataclass(frozen=True, slots=True)
class PartLine:
    """One component of an order's line, or the line itself where it is no bundle; `ordered` is the line."""

    ordered: FulfillmentLine
    sku: str
    title: str
    quantity: int


def warehouse_lines(parts: Sequence[PartLine]) -> list[FulfillmentLine]:
    """Write what a warehouse picks: each component on a line number of its own, the line's amount shared to the fen.

    No component has a price of its own, so units share the amount evenly. Numbers are `{line}-{n}`, and stay clear of
    the order's own.
    """
    taken = {part.ordered.line_no for part in parts}
    found: list[FulfillmentLine] = []
    for line_no in dict.fromkeys(part.ordered.line_no for part in parts):
        mine = [part for part in parts if part.ordered.line_no == line_no]
        if [part.sku for part in mine] == [mine[0].ordered.sku]:
            found.append(replace(mine[0].ordered, quantity=mine[0].quantity))
            continue
        found += _priced(mine, _stem(line_no, taken))
    return found


def _stem(line_no: str, taken: Collection[str]) -> str:
    """Give what the numbers of a line's components begin with, clear of all other lines."""
    stem = f"{line_no}-"
    while any(other.startswith(stem) for other in taken):
        stem += "-"
    return stem


def _priced(parts: Sequence[PartLine], stem: str) -> list[FulfillmentLine]:
    ordered, units = parts[0].ordered, [part.quantity for part in parts]
    amounts = share(ordered.amount_minor, units)
    gross = share(ordered.unit_minor * ordered.quantity, units)
    return [
        # Rounded up, so that the discount beside it is never below zero and the amount stays exact.
        FulfillmentLine(f"{stem}{n}", part.sku, part.title, part.quantity, -(-list_price // part.quantity), amount)
        for n, (part, amount, list_price) in enumerate(zip(parts, amounts, gross, strict=True), 1)
    ]


def share(amount: int, weights: Sequence[int]) -> list[int]:
    """Share an amount by weights, exactly: the shares add up to it."""
    reached = list(accumulate(weights))
    ends = [amount * end // reached[-1] for end in reached]
    return [end - before for before, end in zip([0, *ends[:-1]], ends, strict=True)]


@dataclass(frozen=True, slots=True)
class Composed:
    """A line as ordered and the units of each SKU that make it up; of one that is no bundle that is itself."""

    line_no: str
    sku: str
    quantity: int
    parts: Mapping[str, int]

    @property
    def is_bundle(self) -> bool:
        """Say whether the line is made of something else."""
        return set(self.parts) != {self.sku}

    def needs(self, units: int) -> dict[str, int]:
        """Give the parts of so many units of the line."""
        return {sku: -(-n * units // self.quantity) for sku, n in self.parts.items()}

    def of(self, units: int) -> "Composed":
        """Give the same line for another number of units."""
        return replace(self, quantity=units, parts=self.needs(units))

    def whole(self, packed: Mapping[tuple[str, str], int]) -> int:
        """Give how many units of the line are complete with so many units of its parts, by (line, SKU)."""
        if dict(self.parts) == {self.sku: self.quantity}:
            return packed.get((self.line_no, self.sku), 0)
        complete = min(packed.get((self.line_no, sku), 0) * self.quantity // n for sku, n in self.parts.items())
        return min(self.quantity, complete)


def part_lines(lines: Sequence[Composed]) -> list[ShippedLine]:
    """Write lines as a warehouse knows them, each component on a number of its own, as it was told to pick them."""
    taken = {line.line_no for line in lines}
    found: list[ShippedLine] = []
    for line in lines:
        parts, stem = sorted(line.parts.items()), _stem(line.line_no, taken)
        numbers = [f"{stem}{n}" if line.is_bundle else line.line_no for n in range(1, len(parts) + 1)]
        found += [ShippedLine(no, sku, n) for no, (sku, n) in zip(numbers, parts, strict=True)]
    return found


@dataclass(frozen=True, slots=True)
class Box:
    """One parcel: its waybill and the units of each SKU; without units it brings everything that was left."""

    waybill_no: str
    packed: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Told:
    """What a channel is told of one parcel. A line's units count with the parcel that completes them.

    `again`: lines of which an earlier parcel completed units; `beside`: earlier parcels that completed nothing, and
    hold parts of what this one completes. `later`: it completes nothing itself and is told beside the one that does.
    """

    lines: tuple[ShippedLine, ...]
    again: tuple[str, ...]
    beside: tuple[str, ...] = ()
    later: bool = False


def told(boxes: Iterable[Box], lines: Sequence[Composed]) -> dict[str, Told]:
    """Say for each parcel, in the order in which they left, what its channel is told of it."""
    parts = [(line.line_no, sku, n) for line in lines for sku, n in sorted(line.parts.items())]
    names = {f"{place}": (line_no, sku) for place, (line_no, sku, _) in enumerate(parts)}
    wanted = [ShippedLine(f"{place}", sku, n) for place, (_, sku, n) in enumerate(parts)]
    gone: Counter[str] = Counter()
    found: dict[str, Told] = {}
    waiting: dict[str, set[str]] = {}
    for box in boxes:
        before = {line.line_no: line.whole({names[one]: n for one, n in gone.items()}) for line in lines}
        brought = spread(box.packed, wanted, gone)
        gone.update({one.line_no: one.quantity for one in brought})
        after = {line.line_no: line.whole({names[one]: n for one, n in gone.items()}) for line in lines}
        full = tuple(
            ShippedLine(line.line_no, line.sku, after[line.line_no] - before[line.line_no])
            for line in lines
            if after[line.line_no] > before[line.line_no]
        )
        numbers = {line.line_no for line in full}
        beside = tuple(waybill for waybill, held in waiting.items() if held & numbers)
        later = bool(brought) and not full
        found[box.waybill_no] = Told(full, tuple(sorted(no for no in numbers if before[no])), beside, later)
        waiting = {waybill: held for waybill, held in waiting.items() if waybill not in beside}
        if later:
            waiting[box.waybill_no] = {names[one.line_no][0] for one in brought}
    return found
