"""Stock arithmetic and the choice of a warehouse. Owns what may be promised; counting it is the store's."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from domain.regions import bare, region


@dataclass(frozen=True, slots=True)
class Demand:
    """Units of one SKU that one order line wants."""

    line_no: str
    sku: str
    quantity: int


@dataclass(frozen=True, slots=True)
class WarehouseOffer:
    """A warehouse that could ship: where it stands, how much it is liked (lower first), what is free there."""

    code: str
    province: str
    rank: int
    carrier: str
    free: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Counters:
    """The counters of one SKU over all warehouses; only good units, units throughout.

    `pooled` is what channel pools have locked for themselves and not yet sold. `trial_left` is what an oversell
    breaker lets through: None when it is closed (no limit), 0 when it is open.
    """

    on_hand: int
    reserved: int = 0
    allocated: int = 0
    pooled: int = 0
    trial_left: int | None = None

    @property
    def atp(self) -> int:
        """Available to promise = on hand - reserved - allocated (INV-1)."""
        return self.on_hand - self.reserved - self.allocated

    @property
    def common(self) -> int:
        """What any channel may sell = atp - pooled."""
        return self.atp - self.pooled


def atp(on_hand: int, reserved: int, allocated: int) -> int:
    """Available to promise = on hand - reserved - allocated."""
    return Counters(on_hand, reserved, allocated).atp


def expand(demands: Iterable[Demand], bundles: Mapping[str, Mapping[str, int]]) -> list[Demand]:
    """Replace bundles by the components that they consume; a bundle's line keeps its number on each of them."""
    found: list[Demand] = []
    for demand in demands:
        parts = bundles.get(demand.sku, {demand.sku: 1})
        found += [Demand(demand.line_no, sku, demand.quantity * n) for sku, n in sorted(parts.items())]
    return found


def per_sku(demands: Iterable[Demand]) -> dict[str, int]:
    """Add the demands up per SKU, in SKU order (locks are taken in this order, so there are no deadlocks)."""
    totals: dict[str, int] = {}
    for demand in demands:
        totals[demand.sku] = totals.get(demand.sku, 0) + demand.quantity
    return dict(sorted(totals.items()))


def choose_warehouse(
    offers: Sequence[WarehouseOffer], demands: Sequence[Demand], province: str
) -> WarehouseOffer | None:
    """Take the warehouse of the receiver's province, else of its region, else the best ranked that holds everything."""
    wanted = per_sku(demands)
    able = [offer for offer in offers if all(offer.free.get(sku, 0) >= n for sku, n in wanted.items())]

    def distance(offer: WarehouseOffer) -> tuple[bool, bool, int, str]:
        near = region(offer.province) == region(province) != ""
        return bare(offer.province) != bare(province), not near, offer.rank, offer.code

    return min(able, key=distance, default=None)
