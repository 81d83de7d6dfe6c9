"""Quantities as the own shop takes them (docs/own-shop-api.md). Owns the message and the reading of its answer."""

import hashlib
import json

from pydantic import BaseModel, ConfigDict, ValidationError

from connectors import fields
from domain.errors import Refused
from domain.stock_push import Batch, ListingKey, PushRules

STOCK_URL = "stock_url"
PUSH_RULES = PushRules(most=100)


class _Turned(BaseModel):
    sku: str
    error: str = ""


class _Taken(BaseModel):
    """Leaves alone what it does not know; a shop that takes everything need not say more than 2xx."""

    model_config = ConfigDict(frozen=True)

    refused: tuple[_Turned, ...] = ()


def message(batch: Batch) -> tuple[str, bytes]:
    """Give event id and body. The id is of what is told: `sequence` makes it another one each time."""
    levels = [{"sku": level.item_id, "quantity": level.quantity, "sequence": level.sequence} for level in batch]
    body = json.dumps({"stock": {"levels": levels}}, ensure_ascii=False, separators=(",", ":")).encode()
    return f"stock:{hashlib.sha256(body).hexdigest()}", body


def refused(batch: Batch, answer: bytes) -> dict[ListingKey, Refused]:
    """Read which SKUs the shop does not take; an answer that says nothing of it takes all."""
    try:
        told = {one.sku: one.error for one in _Taken.model_validate_json(answer or b"{}").refused}
    except ValidationError:
        told = {}
    return {
        level.key: Refused("stock", fields.vendor_text(told[level.item_id]) or "the shop gave no reason")
        for level in batch
        if level.item_id in told
    }
