"""One planned order and its arithmetic: how amounts add up. When and whether a buyer pays is in plan.py."""

from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import accumulate
from random import Random
from typing import Literal

from simulator.buyers import Receiver
from simulator.catalogue import Product

Status = Literal["unpaid", "deposit", "paid", "cancelled", "refunded"]
CaseKind = Literal["refund", "return", "exchange"]
Fate = Literal["paid", "expired", "late_paid", "cancelled", "refunded", "part_refunded"]
MOST_LINES = 3
REMARKS = ("", "", "", "", "请尽快发货", "不要放驿站，送货上门", "送礼用，请勿放发票", "晚上七点后送")


@dataclass(frozen=True)
class Line:
    no: str
    sku: str
    title: str
    quantity: int
    unit_minor: int
    discount_minor: int = 0
    presale: bool = False

    @property
    def amount_minor(self) -> int:
        return self.quantity * self.unit_minor - self.discount_minor


@dataclass(frozen=True)
class Basket:
    """The money side of an order; `total_minor` follows from the rest as docs/own-shop-api.md says."""

    lines: tuple[Line, ...]
    shop_discount_minor: int = 0
    platform_discount_minor: int = 0
    freight_minor: int = 0
    scarce: bool = False

    @property
    def goods_minor(self) -> int:
        return sum(line.amount_minor for line in self.lines)

    @property
    def total_minor(self) -> int:
        return self.goods_minor - self.shop_discount_minor - self.platform_discount_minor + self.freight_minor

    def divide(self, minor: int) -> list[int]:
        """Divide an amount over the lines in proportion to theirs, to the fen."""
        reached = list(accumulate(line.amount_minor for line in self.lines))
        ends = [minor * end // reached[-1] if reached[-1] else 0 for end in reached[:-1]] + [minor]
        return [end - before for before, end in zip([0, *ends[:-1]], ends, strict=True)]


@dataclass(frozen=True)
class Act:
    """A buyer's next step: wait, and if a stage is named, first wait until the warehouse has reached it.

    `held` is paid but not yet cleared for shipping; `refund_minor` gives so much back and keeps the order alive.
    With `case` the buyer applies for that instead, or for all that is left; the merchant has to agree.
    With `remark` the buyer only edits the order's remark.
    """

    status: Status
    wait: float
    stage: str = ""
    held: bool = False
    refund_minor: int = 0
    case: CaseKind | Literal[""] = ""
    remark: str = ""


@dataclass(frozen=True)
class PlannedOrder:
    channel: str
    shop: str
    no: str
    arrival: float  # seconds after /sim/start
    basket: Basket
    receiver: Receiver
    buyer_id: str
    buyer_ip: str
    remark: str
    fate: Fate
    acts: tuple[Act, ...]
    reordered: bool = False  # the first message is sent after the second
    placed_before: timedelta | None = None  # replayed rows: how long before the start
    paid_before: timedelta | None = None
    burst: bool = False


def fill_basket(source: Random, products: list[Product]) -> Basket:
    """Buy one to three products at their price, with discounts and freight as a shop gives them."""
    chosen = source.sample(products, k=min(len(products), source.choice((1, 1, 1, 2, 2, 3))))
    lines = tuple(_line(source, str(n), product) for n, product in enumerate(chosen, start=1))
    goods = sum(line.amount_minor for line in lines)
    return Basket(
        lines=lines,
        shop_discount_minor=_coupon(source, 0.3, goods),
        platform_discount_minor=_coupon(source, 0.2, goods),
        freight_minor=source.choice((0, 0, 0, 600, 800, 1000)),
    )


def fill_basket_for(source: Random, products: list[Product], total_minor: int) -> Basket:
    """Fill a basket whose total is given to the fen: the shop's discount makes up the difference."""
    count = min(len(products), max(1, min(MOST_LINES, total_minor)), source.choice((1, 1, 1, 2, 2, 3)))
    cuts = sorted(source.sample(range(1, total_minor), k=count - 1)) if count > 1 else []
    amounts = [high - low for low, high in zip([0, *cuts], [*cuts, total_minor], strict=True)]
    chosen = source.sample(products, k=count)
    pairs = enumerate(zip(chosen, amounts, strict=True), start=1)
    return Basket(lines=tuple(_line_for(source, str(n), product, amount) for n, (product, amount) in pairs))


def single_unit(product: Product, unit_minor: int) -> Basket:
    """Fill a basket for a product that has less stock than demand."""
    return Basket(lines=(Line("1", product.sku, product.title, 1, unit_minor),), scarce=True)


def add_product(source: Random, basket: Basket, product: Product) -> Basket:
    """Put one more product into a basket, one or two units of it."""
    line = Line(str(len(basket.lines) + 1), product.sku, product.title, source.choice((1, 1, 2)), product.unit_minor)
    return replace(basket, lines=(*basket.lines, line))


def _line(source: Random, no: str, product: Product) -> Line:
    quantity = source.choice((1, 1, 1, 2, 2, 3))
    off = source.choice((5, 10, 20)) if source.random() < 0.25 else 0
    discount = quantity * product.unit_minor * off // 100
    return Line(no, product.sku, product.title, quantity, product.unit_minor, discount)


def _line_for(source: Random, no: str, product: Product, amount_minor: int) -> Line:
    quantity = min(source.choice((1, 1, 1, 2)), max(1, amount_minor))
    unit = -(-amount_minor // quantity)
    return Line(no, product.sku, product.title, quantity, unit, unit * quantity - amount_minor)


def _coupon(source: Random, share: float, goods_minor: int) -> int:
    if source.random() >= share:
        return 0
    return min(source.choice((200, 300, 500, 1000, 2000)), goods_minor // 4)
