"""The warehouse's books: stock by SKU and condition, fulfilments and what was shipped.

Owns the rules of what may still be cancelled; the wire format is in qimen.py, those who pick in picking.py.
"""

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import get_args

from simulator.clock import now
from simulator.qimen import Refused
from simulator.seeds import rng
from simulator.settings import Plant, Stage

STAGES: tuple[Stage, ...] = get_args(Stage)
# What buyers may wait for besides the stages: the first parcel has left.
SHIPPED = "SHIPPED"
GOOD, DEFECTIVE = "ZP", "CC"


@dataclass(frozen=True)
class Place:
    mobile: str
    province: str
    city: str


@dataclass(frozen=True)
class DeliveryLine:
    no: str
    source_order: str
    sku: str
    condition: str
    quantity: int


@dataclass(frozen=True)
class Delivery:
    """What a create asks for."""

    code: str
    order_type: str
    carrier: str
    sender: Place
    receiver: Place
    lines: tuple[DeliveryLine, ...]

    def wanted(self) -> Counter[tuple[str, str]]:
        """Add up the units by SKU and condition."""
        wanted: Counter[tuple[str, str]] = Counter()
        for line in self.lines:
            wanted[line.sku, line.condition] += line.quantity
        return wanted


@dataclass(frozen=True)
class Package:
    """One parcel; `units` by line number."""

    waybill: str
    carrier: str
    units: Counter[str]


@dataclass
class Fulfilment:
    delivery: Delivery
    id: str
    created_at: datetime
    creates: int = 1
    status: str = "NEW"
    stage: str = ""
    shipments: int = 0
    packages: list[Package] = field(default_factory=list)
    units: Counter[str] = field(default_factory=Counter)
    released: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def picked(self) -> bool:
        return self.stage in STAGES[STAGES.index("PICK") :]

    @property
    def cancelled(self) -> bool:
        return self.status == "CANCELED"


class Warehouse:
    """Stock and fulfilments of one warehouse."""

    def __init__(self, on_hand: dict[str, int], defective: dict[str, int], seed: int, plant: Plant | None) -> None:
        self._seed = seed
        self._plant = plant
        self._reached: dict[tuple[str, str], asyncio.Event] = {}
        self.stock: Counter[tuple[str, str]] = Counter()
        self.locked: Counter[tuple[str, str]] = Counter()
        self.fulfilments: dict[str, Fulfilment] = {}
        for condition, pile in ((GOOD, on_hand), (DEFECTIVE, defective)):
            self.stock.update({(sku, condition): units for sku, units in pile.items()})

    def on_hand(self) -> dict[str, int]:
        """Count the good units, sold but unshipped ones included."""
        return {sku: units for (sku, condition), units in self.stock.items() if condition == GOOD}

    def receive(self, sku: str, units: int) -> None:
        """Take good units in."""
        self.stock[sku, GOOD] += units

    def create(self, delivery: Delivery) -> tuple[Fulfilment, bool]:
        """Accept a delivery and lock its stock; a repeated code gives the first one and False."""
        known = self.fulfilments.get(delivery.code)
        if known is not None:
            if known.cancelled:
                raise Refused("order-canceled", "the code belongs to a cancelled delivery order")
            known.creates += 1
            return known, False
        wanted = delivery.wanted()
        for key, quantity in wanted.items():
            if key not in self.stock:
                raise Refused("item-not-found", f"itemCode {key[0]} is not known to the warehouse")
            if quantity > self.stock[key] - self.locked[key]:
                raise Refused("stock-not-enough", f"itemCode {key[0]}: not enough good units")
        self.locked.update(wanted)
        number = rng(self._seed, "fulfilment", delivery.code).randrange(10**10)
        fulfilment = Fulfilment(delivery, f"CK{number:010d}", now())
        fulfilment.released.set()
        self.fulfilments[delivery.code] = fulfilment
        return fulfilment, True

    def find(self, code: str) -> Fulfilment:
        """Find a fulfilment by the ERP's code; raises Refused."""
        if code not in self.fulfilments:
            raise Refused("order-not-found", "the delivery order is not known")
        return self.fulfilments[code]

    def cancel(self, code: str) -> None:
        """Give the stock back, unless picking has begun; a second cancel is a success. Raises Refused."""
        fulfilment = self.find(code)
        if fulfilment.cancelled:
            return
        if fulfilment.picked:
            shipped = fulfilment.shipments > 0
            raise Refused("order-shipped" if shipped else "order-picked", "picked or shipped: it cannot be cancelled")
        fulfilment.status = "CANCELED"
        self.locked.subtract(fulfilment.delivery.wanted())
        fulfilment.released.set()

    def hold(self, code: str, *, pending: bool) -> None:
        """Hold a fulfilment back, or let it go on; raises Refused once it is picked or cancelled."""
        fulfilment = self.find(code)
        if fulfilment.cancelled or fulfilment.picked:
            raise Refused("order-not-pending", "picked, shipped or cancelled: it cannot be held or restored")
        if pending:
            fulfilment.released.clear()
        else:
            fulfilment.released.set()

    def advance(self, fulfilment: Fulfilment, stage: str) -> None:
        """Note that a stage of the work is done, and wake the buyers who wait for it."""
        fulfilment.stage = stage
        if fulfilment.status == "NEW":
            fulfilment.status = "ACCEPT"
        self._tell(fulfilment, stage)

    def _tell(self, fulfilment: Fulfilment, stage: str) -> None:
        for order_no in {line.source_order for line in fulfilment.delivery.lines}:
            self.reached(order_no, stage).set()

    def reached(self, order_no: str, stage: str) -> asyncio.Event:
        """Give the event that is set when any fulfilment of an order has reached a stage."""
        return self._reached.setdefault((order_no, stage), asyncio.Event())

    def ship(self, fulfilment: Fulfilment, packages: list[Package], *, final: bool) -> None:
        """Take the packages' units out of the stock and book them as shipped."""
        lines = {line.no: line for line in fulfilment.delivery.lines}
        for package in packages:
            for line_no, quantity in package.units.items():
                key = (lines[line_no].sku, lines[line_no].condition)
                self.stock[key] -= quantity
                self.locked[key] -= quantity
                fulfilment.units[key[0]] += quantity
        fulfilment.packages += packages
        fulfilment.shipments += 1
        fulfilment.status = "DELIVERED" if final else "PARTDELIVERED"
        self._tell(fulfilment, SHIPPED)
        if final:
            self._lie(fulfilment)

    def _lie(self, fulfilment: Fulfilment) -> None:
        """Plant a lie about the first fulfilment that ships, for the proof to catch."""
        line = fulfilment.delivery.lines[0]
        if self._plant == "doubled":
            fulfilment.shipments *= 2
            for twice in fulfilment.delivery.lines:
                self.stock[twice.sku, twice.condition] -= twice.quantity
                fulfilment.units[twice.sku] += twice.quantity
        elif self._plant == "oversold":
            self.stock[line.sku, line.condition] -= 1
            fulfilment.units[line.sku] += 1
        self._plant = None
