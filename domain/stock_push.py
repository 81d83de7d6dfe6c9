"""Telling shops what they may sell (INV-6): what is told of a listing, and what goes into one call, in which order.

Level-triggered: a listing has one newest quantity, never a queue of changes. Quantities are absolute, so that telling
one twice is harmless. Owns grouping and order; when a listing is due is the store's, the calls are the connectors'.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

STOCK = "stock"
"""The kind of the queue that tells a shop."""


@dataclass(frozen=True, slots=True)
class Listing:
    """Where a SKU is sold: in which shop, under which ids of its vendor. An own shop's item ids are our SKUs.

    One SKU may be listed several times; (channel, shop, item, variant) is one listing. The variant may be empty.
    """

    channel: str
    shop: str
    sku: str
    item_id: str
    variant_id: str = ""
    title: str = ""


@dataclass(frozen=True, slots=True)
class PushRules:
    """What a vendor takes in one call: so many listings at most, perhaps of one item only; `ids` are numbers."""

    most: int
    one_item: bool = False
    numbers: bool = False


@dataclass(frozen=True, slots=True)
class Level:
    """The quantity that one listing shall show, in units.

    `sequence` counts what was ever sent about the listing: the higher one is the newer one. `raised`: the shop was
    last told less. `alone`: it goes into a call of its own, because a call with others in it was turned down.
    """

    sku: str
    item_id: str
    variant_id: str
    quantity: int
    sequence: int = 1
    version: int = 0
    raised: bool = False
    alone: bool = False
    attempts: int = 1

    @property
    def key(self) -> "ListingKey":
        """Name the listing in its shop."""
        return self.item_id, self.variant_id


@dataclass(frozen=True, slots=True)
class Place:
    """How far a drain has noticed changes: those of transactions before `horizon`; None: of none yet.

    `after` is the last SKU that a walk through all listings has come to; None: no walk is under way. A drain starts
    with a walk, so nothing is missed however long nobody looked.
    """

    horizon: int | None = None
    after: str | None = ""


Batch = tuple[Level, ...]
ListingKey = tuple[str, str]
"""Item and variant."""


def batches(levels: Iterable[Level], rules: PushRules) -> tuple[list[Batch], list[Batch]]:
    """Share levels out to calls: first the calls with lowered quantities, then those with raised ones.

    A lowered quantity keeps a shop from selling what is gone; a raised one only lets it sell more.
    """
    found = list(levels)
    return (
        _batches([level for level in found if not level.raised], rules),
        _batches([level for level in found if level.raised], rules),
    )


def _batches(levels: Sequence[Level], rules: PushRules) -> list[Batch]:
    groups: dict[str, list[Level]] = {}
    made: list[Batch] = []
    for level in levels:
        if level.alone or (rules.one_item and not level.variant_id):
            made.append((level,))
        else:
            groups.setdefault(level.item_id if rules.one_item else "", []).append(level)
    for group in groups.values():
        made += [tuple(group[at : at + rules.most]) for at in range(0, len(group), rules.most)]
    return made
