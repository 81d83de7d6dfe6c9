"""The proof: our facts against the books of the outside world, order by order and unit by unit.

Owns what counts as lost, doubled, oversold or unexplained. The books come as the simulator's JSON (docs/simulator.md);
at a real seller they would be the platform's, the warehouse's and the bank's exports.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Json = Mapping[str, Any]
MOST_SUSPECTS = 3
COMPLETED, CLOSED = "completed", "closed"
ENDED = frozenset({COMPLETED, CLOSED})
CALLED_OFF = frozenset({"cancelled", "refunded"})
"""How the books say that the buyer does not want the order any more."""
PAY_BACK = frozenset({"refund_due", "late_payment"})
"""Alerts that tell somebody to pay money back."""
TOO_LATE = frozenset({"too_late", "late_refund", "late_cancel"})
"""Alerts that tell somebody of a cancellation that came after the goods had left."""

ONE_WAYBILL, ALL_WAYBILLS, SHOWN = "one", "all", "shown"
"""How a shop is told of parcels, by its books (docs/simulator.md); else of each that completes something."""


@dataclass(frozen=True, slots=True)
class OrderFact:
    """One order as we have it; amounts in minor units.

    `held` are units that are kept back for it, `marks` the kinds of alerts that were ever raised about it, `cases` the
    cases of it that were paid or told that it was too late, `dropped` units of its lines, by SKU, that are paid back
    and never ship. `case_no`: it sends goods again for a case; no shop knows it, so what it wants are the `units` of
    its lines.
    """

    channel: str
    shop: str
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
    held: int = 0
    marks: Sequence[str] = ()
    cases: int = 0
    dropped: Mapping[str, int] = field(default_factory=dict)
    case_no: str = ""
    units: int = 0


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
class ShownFact:
    """One listing: what its shop should show by our counters, and what we last told it (None: nothing yet)."""

    channel: str
    shop: str
    sku: str
    derived: int
    told: int | None


@dataclass(frozen=True, slots=True)
class Finding:
    """One broken invariant: which, of what, and in words."""

    rule: str
    subject: str
    words: str


def prove(
    orders: Sequence[OrderFact], skus: Sequence[SkuFact], books: Json, shown: Sequence[ShownFact] = ()
) -> list[Finding]:
    """List every broken invariant; an empty list is the proof."""
    sold = [order for order in orders if not order.case_no]
    books = {**books, "sent_again": {order.no: order.units for order in orders if order.case_no}}
    found = [finding for check in (_held, _unexplained) for finding in check(orders, books)]
    found += [finding for check in (_lost, _doubled, _money, _paid_back, _untold) for finding in check(sold, books)]
    return found + list(_stock(skus, books)) + list(_counters(skus)) + list(stock_shown(shown, books))


def _lost(orders: Sequence[OrderFact], books: Json) -> Iterable[Finding]:
    known = {order.no for order in orders}
    for no, sold in books["orders"].items():
        if no not in known and sold["accepted"]:
            yield Finding("lost", no, "the shop has our receipt for this order, but it is not here")
        elif no not in known and sold.get("messages_sent"):
            yield Finding("lost", no, "the shop told of this order, and nobody took it")
    for no in known - set(books["orders"]):
        yield Finding("lost", no, "this order is here, but its shop does not know it")


def _doubled(orders: Sequence[OrderFact], books: Json) -> Iterable[Finding]:
    for no, n in Counter(order.no for order in orders).items():
        if n > 1:
            yield Finding("doubled", no, f"{n} orders here for one at the shop")
    for no, one in books["warehouse"].items():
        units = sum(one["units"].values())
        wanted = _ordered(order_of(no), books)
        if one["shipments"] > 1 and units > wanted:
            yield Finding(
                "doubled", no, f"the warehouse shipped it {one['shipments']} times: {units} units for {wanted}"
            )
    for no, told in books.get("shop_told", {}).items():
        for waybill, n in told.items():
            if n > 1:
                yield Finding("doubled", no, f"the shop was told {n} times of {waybill}")


def _money(orders: Sequence[OrderFact], books: Json) -> Iterable[Finding]:
    """Compare the amounts; money that we hold for a closed order must be on somebody's list to pay back."""
    back = _paid_out(books)
    for order in orders:
        sold = books["orders"].get(order.no)
        if not sold:
            continue
        returned = back[order.no] if order.status != CLOSED else 0  # of the others: _paid_back
        ours = (order.total_minor, order.paid_minor, order.refunded_minor)
        theirs = (sold["total_minor"], sold["paid_minor"], max(sold.get("refunded_minor", 0), returned))
        if ours != theirs and not (sold.get("uncharged") and ours == (theirs[0], 0, 0)):
            yield Finding("money", order.no, f"total, paid and refunded are {ours} here and {theirs} at the shop")
        elif order.status == CLOSED and order.paid_minor > order.refunded_minor and not PAY_BACK & set(order.marks):
            words = f"is closed ({order.close_reason}) but paid, and nobody was told to pay back"
            yield Finding("money", order.no, words)
        elif order.status == COMPLETED and not order.paid_minor:
            yield Finding("money", order.no, "is completed, but nobody has paid")


def _paid_back(orders: Sequence[OrderFact], books: Json) -> Iterable[Finding]:
    """Compare with the payment provider's books: whoever paid and gets nothing has all of it back, each refund once."""
    back = _paid_out(books)
    for no, one in books.get("refunds", {}).items():
        if one["payouts"] > 1:
            yield Finding("doubled", no, f"the payment provider paid this refund {one['payouts']} times")
    for order in orders:
        payment = books.get("payments", {}).get(order.no)
        if payment is None or order.status != CLOSED:
            continue
        if not payment["amount_minor"] == back[order.no] == order.refunded_minor == order.paid_minor:
            theirs, ours = (payment["amount_minor"], back[order.no]), (order.paid_minor, order.refunded_minor)
            words = f"is closed: paid and refunded are {theirs} at the payment provider and {ours} here"
            yield Finding("paid back", order.no, words)


def _paid_out(books: Json) -> Counter[str]:
    """Add up what the payment provider paid back of each order."""
    back: Counter[str] = Counter()
    for one in books.get("refunds", {}).values():
        back[one["order_no"]] += one["payouts"] * one["amount_minor"]
    return back


def _held(orders: Sequence[OrderFact], _books: Json) -> Iterable[Finding]:
    for order in orders:
        if order.status in ENDED and order.held:
            yield Finding("leaked", order.no, f"is {order.status}, but {order.held} units are held for it")


def _unexplained(orders: Sequence[OrderFact], books: Json) -> Iterable[Finding]:
    """Judge how each order ended by what the warehouse and the buyer say."""
    shipped = _shipped_units(books)
    for order in orders:
        gone, sold = shipped[order.no], books["orders"].get(order.no, {})
        if order.status not in ENDED and not order.stuck_reason:
            yield Finding("unexplained", order.no, f"is {order.status}, waits for {order.wait_for or 'nothing'}")
        elif order.status == CLOSED and gone:
            yield Finding("unexplained", order.no, f"is closed ({order.close_reason}), but {gone} units left for it")
        elif order.status == CLOSED and not order.close_reason:
            yield Finding("unexplained", order.no, "is closed without a reason")
        elif order.status == COMPLETED and not order.parcels:
            yield Finding("unexplained", order.no, "is completed without a parcel")
        elif order.status == COMPLETED and sold.get("status") in CALLED_OFF and not _is_told(order):
            words = f"is completed though {sold['status']}, and nobody was told that it was too late"
            yield Finding("unexplained", order.no, words)


def _is_told(order: OrderFact) -> bool:
    """Say whether somebody knows why money went back for goods that left: it was too late, or for a case."""
    return bool(TOO_LATE & set(order.marks) or order.cases)


def _untold(orders: Sequence[OrderFact], books: Json) -> Iterable[Finding]:
    """Look for completed orders of which something is missing: units that never left, waybills never reported."""
    shipped, told = _shipped_units(books), books.get("shop_told", {})
    completed = {order.no: order.dropped for order in orders if order.status == COMPLETED}
    for no in sorted(completed.keys() & set(books["orders"])):
        if shipped[no] < (wanted := _ordered(no, books) - _picked(completed[no], books).total()):
            yield Finding("lost", no, f"is completed, but only {shipped[no]} of {wanted} units left the warehouse")
    for code, one in books["warehouse"].items():
        no = order_of(code)
        for waybill in one.get("waybills", ()):
            if no in completed and waybill not in told.get(no, {}) and not _needs_no_waybill(no, waybill, books):
                yield Finding("lost", no, f"the shop was never told of {waybill}")


def _needs_no_waybill(no: str, waybill: str, books: Json) -> bool:
    """Say whether a shop need not be told: it closed the order and refused, or has one waybill for each line or order.

    One that shows what may still leave is not asked to take more. A marketplace hears of a bundle with the parcel that
    completes it, an own shop of all its parcels.
    """
    sold = books["orders"].get(no, {})
    called_off, how = sold.get("status") in CALLED_OFF, sold.get("waybills")
    bundled = any(line.get("sku") in books.get("bundles", {}) for line in sold.get("lines", ()))
    if how == ONE_WAYBILL or (bundled and how != ALL_WAYBILLS):
        return called_off or bool(books.get("shop_told", {}).get(no))
    return called_off and (how == SHOWN or waybill in sold.get("refused_back", {}))


def order_of(fulfillment: str) -> str:
    """Give the order that a fulfilment order belongs to."""
    return fulfillment.rsplit("-", 1)[0]


def _ordered(no: str, books: Json) -> int:
    again: dict[str, int] = books.get("sent_again", {})
    return again[no] if no in again else sum(_wanted(no, books).values())


def _wanted(no: str, books: Json) -> Counter[str]:
    """Add up what an order's buyer wants picked."""
    wanted: Counter[str] = Counter()
    for line in books["orders"].get(no, {"lines": []})["lines"]:
        wanted[line.get("sku", "")] += line["quantity"]
    return _picked(wanted, books)


def _picked(units: Mapping[str, int], books: Json) -> Counter[str]:
    """Say what is picked of units that were sold: of a bundle its parts."""
    picked: Counter[str] = Counter()
    for sku, quantity in units.items():
        for part, n in books.get("bundles", {}).get(sku, {sku: 1}).items():
            picked[part] += quantity * n
    return picked


def _shipped_units(books: Json) -> Counter[str]:
    units: Counter[str] = Counter()
    for code, one in books["warehouse"].items():
        units[order_of(code)] += sum(one["units"].values())
    return units


def _stock(skus: Sequence[SkuFact], books: Json) -> Iterable[Finding]:
    shipped: Counter[str] = Counter()
    for one in books["warehouse"].values():
        shipped.update(one["units"])
    for sku in skus:
        theirs = books["on_hand"].get(sku.sku)
        if theirs is not None and theirs != sku.on_hand:
            words = f"we count {sku.on_hand} on hand, the warehouse holds {theirs}{_suspects(sku.sku, books)}"
            yield Finding("oversold" if theirs < sku.on_hand else "stock", sku.sku, words)
        if shipped[sku.sku] != sku.shipped:
            words = f"we booked {sku.shipped} units out, the warehouse {shipped[sku.sku]}{_suspects(sku.sku, books)}"
            yield Finding("stock", sku.sku, words)


def _suspects(sku: str, books: Json) -> str:
    """Name the orders for which other units of a SKU left than were ordered, and the returns that brought some."""
    odd = []
    for code, one in books["warehouse"].items():
        no = order_of(code)
        if no in books["orders"] and one["shipments"] and one["units"].get(sku, 0) != _wanted(no, books)[sku]:
            odd.append(no)
    back = [one for one in books.get("returns", ()) if any(unit["sku"] == sku for unit in one["received"])]
    odd += [f"{one['code'] or one['id']} ({one['fate']})" for one in back]
    return f"; look at {', '.join(odd[:MOST_SUSPECTS])}" if odd else ""


def _counters(skus: Sequence[SkuFact]) -> Iterable[Finding]:
    for sku in skus:
        if (sku.reserved, sku.allocated) != (sku.open_reserved, sku.open_allocated):
            counted, summed = (sku.reserved, sku.allocated), (sku.open_reserved, sku.open_allocated)
            yield Finding("leaked", sku.sku, f"reserved and allocated are {counted}, what is open adds up to {summed}")
        if sku.on_hand < sku.reserved + sku.allocated:
            yield Finding("oversold", sku.sku, f"{sku.reserved + sku.allocated} promised of {sku.on_hand} on hand")


def stock_shown(shown: Sequence[ShownFact], books: Json) -> Iterable[Finding]:
    """Compare what each shop was told last, by its own books, with what our counters come to in the end (INV-6)."""
    for one in shown:
        shelf = books.get("shops", {}).get(f"{one.channel}/{one.shop}", {}).get("stock")
        if shelf is None:
            continue
        there = shelf.get(one.sku)
        if there is None:
            yield Finding("stock shown", one.sku, f"{one.channel}/{one.shop} does not know that it sells this")
            continue
        last = there["told"][-1][1] if there["told"] else None
        if last != one.derived:
            was = "nothing" if last is None else f"{last} last"
            words = f"{one.channel}/{one.shop} was told {was}, our counters come to {one.derived}"
            yield Finding("stock shown", one.sku, words)
