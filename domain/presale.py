"""Presale (预售): units that are promised before they are there (INV-4). Owns the queue rule; the rows are the store's.

Supplies and waiting orders of one SKU form two queues: supplies by the day they are due, orders by the moment at which
they locked theirs. An order is promised the supply that its last unit comes from; together they never promise more than
is still to come. What arrives goes to the oldest order, unit by unit, whichever supply it was promised.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from domain.stock import Demand

MOST_UNITS = 10_000_000


class SupplyState(StrEnum):
    """How a supply stands; only `expected` and `late` ones are still to come."""

    EXPECTED = "expected"
    LATE = "late"
    ARRIVED = "arrived"
    CLOSED = "closed"


COMING = (SupplyState.EXPECTED, SupplyState.LATE)


@dataclass(frozen=True, slots=True)
class Supply:
    """One dated batch; `rest` are the units of it that are still to come."""

    code: str
    sku: str
    rest: int
    due_on: datetime


@dataclass(frozen=True, slots=True)
class Waiting:
    """One order's line that waits for `open_units` more of a SKU."""

    key: str
    line_no: str
    sku: str
    open_units: int
    supply: str = ""


def sellable(supplies: Iterable[Supply], waiting: Iterable[Waiting]) -> int:
    """Give the units of one SKU that may still be sold as presale = supply - holds; never negative."""
    return max(0, sum(one.rest for one in supplies) - sum(one.open_units for one in waiting))


def supply_for(place: int, supplies: Sequence[Supply]) -> Supply | None:
    """Find the supply that the unit at this place of the queue (from 1) comes from; None: there are not so many."""
    for one in sorted(supplies, key=lambda supply: (supply.due_on, supply.code)):
        if place <= one.rest:
            return one
        place -= one.rest
    return None


def lock(
    demands: Sequence[Demand], supplies: Sequence[Supply], held: dict[str, int]
) -> tuple[list[tuple[Demand, Supply]], list[str]]:
    """Give every demand its supply, or say which SKUs have too little to come; `held` are units held before, by SKU."""
    places = dict(held)
    found, short = [], []
    for demand in demands:
        places[demand.sku] = places.get(demand.sku, 0) + demand.quantity
        supply = supply_for(places[demand.sku], [one for one in supplies if one.sku == demand.sku])
        if supply is None:
            short.append(demand.sku)
        else:
            found.append((demand, supply))
    return ([], sorted(set(short))) if short else (found, [])


def convert(units: int, queue: Iterable[Waiting]) -> list[tuple[Waiting, int]]:
    """Give arrived units to those who wait, the first first: each its units, until there are none."""
    found = []
    for one in queue:
        n = min(units, one.open_units)
        if n <= 0:
            break
        found.append((one, n))
        units -= n
    return found


def rehung(queue: Sequence[Waiting], supplies: Sequence[Supply]) -> list[tuple[Waiting, Supply]]:
    """Find a supply for those whose own has arrived while they still wait; where none is left, they keep it."""
    coming = {one.code for one in supplies}
    found, place = [], 0
    for one in queue:
        place += one.open_units
        if one.supply not in coming and (supply := supply_for(place, supplies)):
            found.append((one, supply))
    return found


def on_time_percent(on_time: int, late: int) -> float | None:
    """Give the share of presale orders that left by their first promise, in percent; None before there is any."""
    return round(100 * on_time / (on_time + late), 2) if on_time + late else None
