"""Quantities as Douyin's shop platform takes them: one SKU, or several of one product. Owns their shapes and codes.

Absolute (`incremental` false), for which the platform wants no idempotency id. Several of one product are taken all or
none. Source: the official client's parameter comments and error tables of the two methods.
"""

from collections.abc import Mapping
from typing import Any

from domain.errors import OmsError, Refused, Unavailable
from domain.stock_push import Batch, PushRules

ONE, SEVERAL = "sku.syncStock", "sku.syncStockBatch"
PUSH_RULES = PushRules(most=50, one_item=True, numbers=True)
"""50 is what the sister method for several products takes; this one names no limit. A product has rarely more."""
ORDINARY = 0
"""`sku_type`: not a region's, not a step's stock."""

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
    levels = [
        {"sku_id": _number(level.variant_id), "sku_type": ORDINARY, "stock_num": level.quantity} for level in batch
    ]
    return SEVERAL, {"product_id": _number(first.item_id), "incremental": False, "sku_sync_list": levels}


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise Refused("listing", "its item and variant must be the platform's numbers: mend the listing")
    return int(text)
