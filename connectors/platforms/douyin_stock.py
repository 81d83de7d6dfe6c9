"""Quantities as Douyin's shop platform takes them: one SKU, or several of any products. Owns their shapes and codes.

Absolute (`incremental` false). Several are taken all or none, as long as nobody asks for `allow_partial_success`.
Source: the official client's parameter comments and error tables of the two methods.
"""

import hashlib
from collections.abc import Mapping
from typing import Any

from domain.errors import OmsError, Refused, Unavailable
from domain.stock_push import Batch, PushRules

ONE, SEVERAL = "sku.syncStock", "sku.syncStockBatchMultiProducts"
PUSH_RULES = PushRules(most=50, numbers=True)
HEARD_BEFORE = "isv.business-failed:-20002"
"""The platform took a call with this idempotency id within the last day: what it says was done."""

# "Illegal parameter" is what the platform calls a SKU that is gone: business, and no fault of ours.
SUB_CODES: Mapping[str, type[OmsError]] = {
    "isv.parameter-invalid:4": Refused,  # the SKU was deleted
    "isv.parameter-invalid:5": Refused,  # there is no such SKU
    "isv.parameter-invalid:2010013": Refused,  # there is no such product
    "isv.parameter-invalid:40004": Unavailable,  # a region's warehouse in time, says the platform: ask again
}


def question(batch: Batch) -> tuple[str, dict[str, Any]]:
    """Give method and parameters that set these quantities; Refused for a listing whose ids are no numbers."""
    first = batch[0]
    if len(batch) == 1:
        return ONE, {"sku_id": _number(first.variant_id), "stock_num": first.quantity, "incremental": False}
    items = [
        {
            "product_id": _number(level.item_id),
            "sku_id": _number(level.variant_id),
            "stock_num": level.quantity,
            "uniq_id": str(n),
        }
        for n, level in enumerate(batch)
    ]
    return SEVERAL, {"idempotent_id": _name(batch), "incremental": False, "items": items}


def _name(batch: Batch) -> str:
    """Name a call for good: no listing is ever told anything twice under one sequence number."""
    told = "|".join(f"{level.item_id},{level.variant_id},{level.sequence}" for level in batch)
    return hashlib.sha256(told.encode()).hexdigest()[:32]


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise Refused("listing", "its item and variant must be the platform's numbers: mend the listing")
    return int(text)
