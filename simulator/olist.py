"""The orders of a Brazilian marketplace (Olist), read strictly from its files: baskets, payments, and whole lives.

A life is a row of steps, each at the moment that the file names: placed, paid, handed to the carrier by each seller,
delivered, or called off. A carrier may come before the approval of a payment, as in the file. Owns the reading and the
order of steps; how a platform shows an order is the platform's.
"""

import csv
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from io import StringIO
from pathlib import Path
from typing import Literal

from simulator.buyers import Receiver
from simulator.orders import Basket, Line, PlannedOrder
from simulator.settings import ConfigError
from simulator.shop import Refund, Sent, ShopOrder

ORDERS, ITEMS = "olist_orders_dataset.csv", "olist_order_items_dataset.csv"
PAYMENTS, CUSTOMERS = "olist_order_payments_dataset.csv", "olist_customers_dataset.csv"
HIGHEST_MINOR = 10_000_000_000
HEX_DIGITS_OF_A_NUMBER = 13
STAMP = "%Y-%m-%d %H:%M:%S"
CARRIER = "Correios"
CALLED_OFF = frozenset({"canceled", "unavailable"})
STATUSES = CALLED_OFF | {"delivered", "shipped", "invoiced", "processing", "approved", "created"}
What = Literal["place", "pay", "send", "receive", "call_off"]
Cells = dict[str, str]


@dataclass(frozen=True)
class Step:
    """One thing that happens to an order; `units` by line travel together."""

    at: datetime
    what: What
    units: Mapping[str, int]


@dataclass(frozen=True)
class Life:
    """One order of the file, what was paid for it in how many parts, and what happens to it, oldest first."""

    id: str
    plan: PlannedOrder
    payments: tuple[int, ...]
    steps: tuple[Step, ...]


def read_lives(folder: Path, shop: tuple[str, str], count: int | None = None) -> list[Life]:
    """Read so many orders, spread evenly over the file by when they were placed, or all; ConfigError names the line."""
    items, payments = _grouped(folder / ITEMS, "order_id"), _grouped(folder / PAYMENTS, "order_id")
    customers = {row["customer_id"]: row for _, row in _rows(folder / CUSTOMERS)}
    lives = []
    for line, row in sorted(_rows(folder / ORDERS), key=lambda pair: pair[1]["order_purchase_timestamp"]):
        where = f"{folder / ORDERS}: line {line}"
        owner = customers.get(row["customer_id"])
        if owner is None or row["order_status"] not in STATUSES or not payments[row["order_id"]]:
            raise ConfigError(f"{where}: an unknown customer or status, or no payment")
        lives.append(_life(where, row, (items[row["order_id"]], payments[row["order_id"]]), (owner, shop)))
    if len({life.plan.no for life in lives}) != len(lives):
        raise ConfigError(f"{folder / ORDERS}: two orders have the same number")
    chosen = len(lives) if count is None else min(count, len(lives))
    return [lives[(2 * n + 1) * len(lives) // (2 * chosen)] for n in range(chosen)]


def _rows(path: Path) -> Iterator[tuple[int, Cells]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from None
    reader = csv.DictReader(StringIO(text, newline=""), strict=True)
    for row in reader:
        if None in row or None in row.values():
            raise ConfigError(f"{path}: line {reader.line_num}: not as many columns as the first line")
        yield reader.line_num, row


def _grouped(path: Path, name: str) -> dict[str, list[Cells]]:
    found: dict[str, list[Cells]] = defaultdict(list)
    for _, row in _rows(path):
        found[row[name]].append(row)
    return found


def _life(where: str, row: Cells, parts: tuple[list[Cells], list[Cells]], who: tuple[Cells, tuple[str, str]]) -> Life:
    items, payments = parts
    paid = tuple(_minor(where, one["payment_value"]) for one in payments)
    basket, sellers = _basket(where, items, sum(paid))
    owner, (channel, shop) = who
    receiver = Receiver(
        name=owner["customer_unique_id"][:12],
        phone="",
        province=owner["customer_state"],
        city=owner["customer_city"],
        district="",
        address=owner["customer_zip_code_prefix"],
    )
    number = str(int(row["order_id"][:HEX_DIGITS_OF_A_NUMBER], 16))
    told = PlannedOrder(channel, shop, number, 0.0, basket, receiver, owner["customer_unique_id"], "", "", "paid", ())
    return Life(row["order_id"], told, paid, tuple(_steps(where, row, sellers)))


def _basket(where: str, items: list[Cells], paid: int) -> tuple[Basket, list[Mapping[str, int]]]:
    """Fill the basket to what was paid, and say which units each seller sends.

    The file gives what an order cost and what was paid, which may differ: more was the price of paying later, less was
    let off. An order whose items the file does not know is one thing at the price that was paid.
    """
    if not items:
        return Basket((Line("1", "", "indisponível", 1, paid),)), [{"1": 1}]
    sold = Counter((one["seller_id"], one["product_id"], _minor(where, one["price"])) for one in items)
    lines, sellers = [], defaultdict[str, dict[str, int]](dict)
    for n, ((seller, product, unit), quantity) in enumerate(sold.items(), start=1):
        lines.append(Line(str(n), product, product[:8], quantity, unit))
        sellers[seller][str(n)] = quantity
    freight = sum(_minor(where, one["freight_value"]) for one in items)
    more = paid - sum(line.amount_minor for line in lines) - freight
    return Basket(tuple(lines), max(0, -more), 0, freight + max(0, more)), list(sellers.values())


def _steps(where: str, row: Cells, sellers: list[Mapping[str, int]]) -> list[Step]:
    placed = _moment(where, row["order_purchase_timestamp"])
    carried = row["order_delivered_carrier_date"]
    approved = row["order_approved_at"] or (carried and row["order_purchase_timestamp"])
    steps = [Step(placed, "place", {})]
    steps += [Step(_moment(where, approved), "pay", {})] if approved else []
    if carried:
        left = _moment(where, carried)
        steps += [Step(left + timedelta(seconds=n), "send", units) for n, units in enumerate(sellers)]
    if row["order_delivered_customer_date"]:
        steps.append(Step(_moment(where, row["order_delivered_customer_date"]), "receive", {}))
    if row["order_status"] in CALLED_OFF:
        # The file does not say when: a day after the last that it says.
        steps.append(Step(max(step.at for step in steps) + timedelta(days=1), "call_off", {}))
    return [steps[0], *sorted(steps[1:], key=lambda step: step.at)]


def live(order: ShopOrder, life: Life, n: int) -> None:
    """Let the nth step of a life happen."""
    step = life.steps[n]
    if step.what == "place":
        order.status, order.placed_at, order.payments = "unpaid", step.at, life.payments
    elif step.what == "pay":
        order.status, order.paid_at, order.paid_minor = "paid", step.at, sum(life.payments)
    elif step.what == "send":
        order.sent.update(step.units)
        order.parcels.append(Sent(CARRIER, f"{life.id[:10].upper()}{n}BR", step.units, step.at))
    elif step.what == "receive":
        order.received_at = step.at
    else:
        _call_off(order, step.at)
    order.updated_at = order.main_at = step.at


def _call_off(order: ShopOrder, at: datetime) -> None:
    order.status = "refunded" if order.paid_at else "cancelled"
    order.refunded_minor = order.paid_minor
    if order.paid_minor:
        order.refunds.append(Refund(f"9{order.plan.no}", "1", order.paid_minor, at, bool(order.sent)))


def _minor(where: str, text: str) -> int:
    try:
        cents = Decimal(text) * 100
    except InvalidOperation:
        raise ConfigError(f"{where}: {text!r} is not an amount") from None
    if not cents.is_finite() or cents != cents.to_integral_value() or not 0 <= cents <= HIGHEST_MINOR:
        raise ConfigError(f"{where}: {text!r} is not an amount in whole cents")
    return int(cents)


def _moment(where: str, text: str) -> datetime:
    try:
        return datetime.strptime(text, STAMP).replace(tzinfo=UTC)
    except ValueError:
        raise ConfigError(f"{where}: {text!r} is not a time (yyyy-MM-dd HH:mm:ss)") from None
