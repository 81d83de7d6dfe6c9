"""Goods on their way back (AFT-3, AFT-6): what a warehouse is told to expect. What it received is an observation."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class ReturnLine:
    """Units that are expected; `line_no` is the order's line."""

    line_no: str
    sku: str
    quantity: int


@dataclass(frozen=True, slots=True)
class ReturnOrder:
    """What a warehouse is told to expect: `no` is the case's number, the key under which a repeat is harmless.

    `fulfillment_no` names what the goods left with; empty where we know none. Carrier and waybill are empty until the
    buyer has sent the parcel.
    """

    no: str
    warehouse: str
    exchange: bool
    fulfillment_no: str
    order_no: str
    reason: str
    lines: tuple[ReturnLine, ...]
    carrier: str = ""
    waybill_no: str = ""


def return_order(told: dict[str, Any], order_key: str) -> ReturnOrder:
    """Build it from the payload of an outgoing call (store/case_returns.py writes it)."""
    return ReturnOrder(
        no=told["no"],
        warehouse=told["warehouse"],
        exchange=told["exchange"],
        fulfillment_no=told["fulfillment_no"],
        order_no=order_key.split(":", 2)[-1],
        reason=told["reason"],
        lines=tuple(ReturnLine(*line) for line in told["lines"]),
        carrier=told["carrier"],
        waybill_no=told["waybill_no"],
    )
