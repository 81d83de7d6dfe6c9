"""Stock at the own shop (docs/own-shop-api.md): signed levels, taken once, old ones ignored. Owns no state."""

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from simulator.listings import Shelf
from simulator.own_shop import BadMessage


class Level(BaseModel):
    model_config = ConfigDict(strict=True)
    sku: str = Field(min_length=1)
    quantity: int = Field(ge=0)
    sequence: int = Field(ge=1)


class _Stock(BaseModel):
    levels: list[Level] = Field(min_length=1, max_length=100)


class _Envelope(BaseModel):
    stock: _Stock


def receive(shelf: Shelf, body: bytes) -> list[dict[str, str]]:
    """Take a message and give what is refused of it; raises BadMessage naming the field."""
    refused = []
    for level in _read(body):
        listing = shelf.listings.get(level.sku)
        if listing is None:
            refused.append({"sku": level.sku, "error": "this shop does not sell it"})
        elif level.sequence > listing.sequence:
            listing.sequence = level.sequence
            shelf.tell(listing, level.quantity)
    return refused


def _read(body: bytes) -> list[Level]:
    try:
        return _Envelope.model_validate_json(body).stock.levels
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "body"
        raise BadMessage(f"{where}: {first['msg']}") from None
