"""Quantities as Shopify takes them: absolute, at one location, of inventory items. Owns the two questions.

A listing is named by the numbers of its product and its variant, as orders name it; stock belongs to the variant's
inventory item, which is asked for first. The second question sets all or none; `changeFromQuantity` is null, so that it
compares with nothing. Its idempotency key is made of what is told: the same call again is answered as the first one,
and another try has a key of its own, because a key whose call failed fails for ever. How many quantities one call takes
is not documented.
"""

import uuid
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import Field

from connectors import fields
from connectors.platforms.shopify_graphql import Changed, gid
from connectors.shapes import Lenient
from domain.errors import Refused
from domain.shops import Shop
from domain.stock_push import Batch, Level, ListingKey, PushRules

LOCATION = "location_id"
PUSH_RULES = PushRules(most=50, numbers=True)
ITEMS = """
query Items($ids: [ID!]!) {
  nodes(ids: $ids) { ... on ProductVariant { legacyResourceId inventoryItem { id } } }
}
"""
SET = """
mutation SetStock($input: InventorySetQuantitiesInput!, $key: String!) {
  inventorySetQuantities(input: $input) @idempotent(key: $key) { userErrors { code field message } }
}
"""


class _Item(Lenient):
    id: Annotated[str, Field(pattern=r"^gid://")]


class _Variant(Lenient):
    number: str = Field(default="", alias="legacyResourceId")
    item: _Item | None = Field(default=None, alias="inventoryItem")


class Items(Lenient):
    """The inventory items of variants; a variant that is gone is null."""

    nodes: Annotated[tuple[_Variant | None, ...], Field(max_length=250)]

    def by_variant(self) -> dict[str, str]:
        """Give the inventory item of each variant that there is."""
        return {one.number: one.item.id for one in self.nodes if one is not None and one.item is not None}


class Set(Changed):
    """What came of setting."""


def variants(batch: Batch) -> dict[str, Any]:
    """Ask for the inventory items of these listings; Refused for a listing whose ids are no numbers."""
    return {"ids": [gid("ProductVariant", level.variant_id) for level in batch]}


def quantities(shop: Shop, levels: Sequence[Level], items: Mapping[str, str]) -> dict[str, Any]:
    """Set these quantities."""
    place = gid("Location", fields.param(shop, LOCATION))
    told = [
        {
            "inventoryItemId": items[level.variant_id],
            "locationId": place,
            "quantity": level.quantity,
            "changeFromQuantity": None,
        }
        for level in levels
    ]
    said = "|".join(f"{one.variant_id},{one.quantity},{one.sequence},{one.attempts}" for one in levels)
    name = f"steadfast|{shop.code}|{place}|{said}"
    return {
        "input": {"name": "available", "reason": "correction", "quantities": told},
        "key": str(uuid.uuid5(uuid.NAMESPACE_OID, name)),
    }


def gone(levels: Sequence[Level]) -> dict[ListingKey, Refused]:
    """Say of each that the platform has no such variant."""
    words = "the platform has no such variant, or none whose stock is counted: mend the listing"
    return {level.key: Refused("no-variant", words) for level in levels}
