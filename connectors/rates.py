"""What an order in another currency is stated at to a stranger who knows yuan only. Owns the param and its arithmetic.

The rates are a seller's own words (what parcels are declared at, not what the money was worth that day); our books keep
the order's own currency.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal

from connectors import overseas
from domain.errors import Refused
from domain.fulfillment import FulfillmentLine, FulfillmentOrder
from domain.shops import Shop

YUAN = "CNY"
RATES = "rates"
RATES_HELP = "yuan for one unit of other currencies in which orders come, such as USD=7.1,JPY=0.047"
_RATE = re.compile(r"([A-Z]{3})=(\d{1,6}(?:\.\d{1,8})?)", re.ASCII)


def faults(shop: Shop) -> list[str]:
    """Say what is wrong with the rates of a shop's row, `rates: ...`."""
    return [f"{RATES}: {one!r} is not like USD=7.1" for one in _parts(shop) if not _rate(one)]


def in_yuan(order: FulfillmentOrder, shop: Shop) -> FulfillmentOrder:
    """State an order in fen, each amount rounded and the total added up anew; Refused without a rate."""
    if order.currency == YUAN:
        return order
    rate = rates(shop).get(order.currency)
    if rate is None:
        words = f"{order.no} is in {order.currency} and {shop.vendor} states amounts in yuan"
        raise Refused("currency", f"{words}: give {shop.vendor}/{shop.code} the param {RATES}={order.currency}=...")

    def fen(amount_minor: int) -> int:
        yuan = Decimal(overseas.major(amount_minor, order.currency)) * rate
        return int((yuan * 100).to_integral_value(ROUND_HALF_UP))

    def line(one: FulfillmentLine) -> FulfillmentLine:
        return replace(one, unit_minor=fen(one.unit_minor), amount_minor=fen(one.amount_minor))

    goods, discount, freight = fen(order.goods_minor), fen(order.discount_minor), fen(order.freight_minor)
    return replace(
        order,
        currency=YUAN,
        goods_minor=goods,
        discount_minor=discount,
        freight_minor=freight,
        total_minor=goods - discount + freight,
        lines=tuple(line(one) for one in order.lines),
    )


def rates(shop: Shop) -> Mapping[str, Decimal]:
    """Read the rates of a shop's row; what is not one is none."""
    found = (_rate(one) for one in _parts(shop))
    return {match[1]: Decimal(match[2]) for match in found if match}


def _parts(shop: Shop) -> list[str]:
    return [part.strip() for part in shop.params.get(RATES, "").split(",") if part.strip()]


def _rate(part: str) -> re.Match[str] | None:
    return _RATE.fullmatch(part)
