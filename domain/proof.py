"""The proof: our facts against the books of the outside world, order by order and unit by unit.

Owns what counts as lost, doubled, oversold or unexplained. The books come as the simulator's JSON (docs/simulator.md);
at a real seller they would be the platform's, the warehouse's and the bank's exports.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class OrderFact:
    """One order as we have it; amounts in minor units."""

    no: str
    status: str
    total_minor: int
    paid_minor: int
    refunded_minor: int
    stuck_reason: str
    wait_for: str
    close_reason: str
    fulfillments: int
    parcels: int


@dataclass(frozen=True, slots=True)
class SkuFact:
    """One SKU as we have it: counters, the sums they must equal, and units shipped so far."""

    sku: str
    on_hand: int
    reserved: int
    allocated: int
    open_reserved: int
    open_allocated: int
    shipped: int


@dataclass(frozen=True, slots=True)
class Finding:
    """One broken invariant: which, of what, and in words."""

    rule: str
    subject: str
    words: str


def prove(orders: Sequence[OrderFact], skus: Sequence[SkuFact], books: Json) -> list[Finding]:
    """List every broken invariant; an empty list is the proof."""
    checks = (_lost, _doubled, _money, _unexplained)
    found = [finding for check in checks for finding in check(orders, books)]
    return found + list(_stock(skus, books)) + list(_counters(skus))


def _lost(orders: Sequence[OrderFact], books: Json) -> Iterable[Finding]:
    known = {order.no for order in orders}
    for no, sold in books["orders"].items():
        if sold["accepted"] and no not in known:
            yield Finding("lost", no, "the shop has our receipt for this order, but it is not here")
    for no in known - set(books["orders"]):
        yield Finding("lost", no, "this order is here, but its shop does not know it")


def _doubled(orders: Sequence[OrderFact], books: Json) -> Iterable[Finding]:
    for no, n in Counter(order.no for order in orders).items():
        if n > 1:
            yield Finding("doubled", no, f"{n} orders here for one at the shop")
    for no, one in books["warehouse"].items():
        units = sum(one["units"].values())
        wanted = _ordered(no, books)
        if one["shipments"] > 1 and units > wanted:
            yield Finding(
                "doubled", no, f"the warehouse shipped it {one['shipments']} times: {units} units for {wanted}"
            )
    for no, told in books.get("shop_told", {}).items():
        for waybill, n in told.items():
            if n > 1:
                yield Finding("doubled", no, f"the shop was told {n} times of {waybill}")


def _ordered(fulfillment: str, books: Json) -> int:
    order = books["orders"].get(fulfillment.rsplit("-", 1)[0], {"lines": []})
    return sum(line["quantity"] for line in order["lines"])


def _money(orders: Sequence[OrderFact], books: Json) -> Iterable[Finding]:
    for order in orders:
        sold = books["orders"].get(order.no)
        if sold and (order.total_minor, order.paid_minor) != (sold["total_minor"], sold["paid_minor"]):
            ours, theirs = (order.total_minor, order.paid_minor), (sold["total_minor"], sold["paid_minor"])
            yield Finding("money", order.no, f"total and paid are {ours} here and {theirs} at the shop")


def _unexplained(orders: Sequence[OrderFact], books: Json) -> Iterable[Finding]:
    for order in orders:
        if order.status not in {"completed", "closed"} and not order.stuck_reason:
            yield Finding("unexplained", order.no, f"is {order.status}, waits for {order.wait_for or 'nothing'}")
        if order.status == "completed" and not order.parcels:
            yield Finding("unexplained", order.no, "is completed without a parcel")


def _stock(skus: Sequence[SkuFact], books: Json) -> Iterable[Finding]:
    shipped: Counter[str] = Counter()
    for one in books["warehouse"].values():
        shipped.update(one["units"])
    for sku in skus:
        theirs = books["on_hand"].get(sku.sku)
        if theirs is not None and theirs < sku.on_hand:
            yield Finding("oversold", sku.sku, f"we count {sku.on_hand} on hand, the warehouse holds {theirs}")
        elif theirs is not None and theirs != sku.on_hand:
            yield Finding("stock", sku.sku, f"we count {sku.on_hand} on hand, the warehouse holds {theirs}")
        if shipped[sku.sku] != sku.shipped:
            yield Finding("stock", sku.sku, f"we booked {sku.shipped} units out, the warehouse {shipped[sku.sku]}")


def _counters(skus: Sequence[SkuFact]) -> Iterable[Finding]:
    for sku in skus:
        if (sku.reserved, sku.allocated) != (sku.open_reserved, sku.open_allocated):
            counted, summed = (sku.reserved, sku.allocated), (sku.open_reserved, sku.open_allocated)
            yield Finding("leaked", sku.sku, f"reserved and allocated are {counted}, what is open adds up to {summed}")
        if sku.on_hand < sku.reserved + sku.allocated:
            yield Finding("oversold", sku.sku, f"{sku.reserved + sku.allocated} promised of {sku.on_hand} on hand")
