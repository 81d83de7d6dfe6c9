"""What Shopify's Admin API lets one change: parcels, quantities, returns. Owns no state."""

import json
from collections import Counter
from collections.abc import Callable, Mapping

from simulator.cases import NotNow, SaleCase
from simulator.listings import Listing, Unlisted
from simulator.market import ListsDead
from simulator.platforms import shopify_orders as shows
from simulator.platforms.shopify_graphql import GraphqlError, Json
from simulator.platforms.shopify_shop import ShopifyShop
from simulator.shop import ShopOrder

MOST_UNITS, MOST_QUANTITIES = 1_000_000_000, 250
ITEM = "9"
"""An inventory item's number is its variant's after this digit."""
REASONS = frozenset({"FINAL_SALE", "OTHER", "RETURN_PERIOD_ENDED"})


class Wrong(Exception):
    """What the platform has against an input: code, message, and the way to the field."""

    def __init__(self, code: str, message: str, *field: str) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message
        self.field = list(field)


def changes(shop: ShopifyShop) -> Json:
    """Give every change by name, as fields of the mutation root."""
    return {"__typename": "Mutation", **{name: _guarded(shop, change) for name, change in CHANGES.items()}}


Given = Mapping[str, object]
Change = Callable[[ShopifyShop, Given], Json]


def _guarded(shop: ShopifyShop, change: Change) -> Callable[[Given], Json]:
    def answer(given: Given) -> Json:
        try:
            return {"__typename": "Payload", "userErrors": [], **change(shop, given)}
        except Wrong as error:
            told: Json = {"__typename": "UserError", "code": error.code, "message": error.message, "field": error.field}
            return {"__typename": "Payload", "userErrors": [told], "fulfillment": None}

    return answer


def _dict(value: object, name: str) -> Json:
    if not isinstance(value, dict):
        raise GraphqlError(f"Variable ${name} of type input was provided invalid value", "INVALID_VARIABLE")
    return value


def _several(value: object, name: str) -> list[Json]:
    if not isinstance(value, list) or not value or not all(isinstance(one, dict) for one in value):
        raise GraphqlError(f"{name} must hold objects", "INVALID_VARIABLE")
    return value


def _whole(value: object, name: str, least: int, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise GraphqlError(f"{name}: Could not coerce value to Int", "INVALID_VARIABLE")
    if not least <= value <= most:
        raise Wrong("INVALID", f"{name} must be between {least} and {most}", name)
    return value


def _ship(shop: ShopifyShop, given: Given) -> Json:
    """Take one parcel with its units; what is not left to ship is refused as a whole."""
    told = _dict(given.get("fulfillment"), "fulfillment")
    tracking = _dict(told.get("trackingInfo"), "trackingInfo")
    waybill, company = str(tracking.get("number") or ""), str(tracking.get("company") or "")
    groups = _several(told.get("lineItemsByFulfillmentOrder"), "lineItemsByFulfillmentOrder")
    found = [(_order_of(shop, group), group) for group in groups]
    order = found[0][0]
    if any(other is not order for other, _ in found):
        raise Wrong("", "All fulfillment orders must belong to the same order.", "fulfillment")
    units: Counter[str] = Counter()
    for _, group in found:
        units.update(_units(order, group))
    try:
        _check(order, units)
    except Wrong:
        shop.refuse_back(order, waybill)
        raise
    shop.take_back(order, dict(units), company, waybill)
    shop.tell_sent(order)
    number = f"{order.plan.no}{len(order.parcels):02d}"
    return {"fulfillment": {"__typename": "Fulfillment", "id": shows.gid("Fulfillment", number)}}


def _order_of(shop: ShopifyShop, group: Json) -> ShopOrder:
    wanted = group.get("fulfillmentOrderId")
    for order in shop.listed():
        if shows.fulfillment_order_id(order.plan.no) == wanted:
            return order
    raise Wrong("", "Fulfillment order does not exist.", "fulfillment")


def _units(order: ShopOrder, group: Json) -> Counter[str]:
    lines = order.plan.basket.lines
    by_id = {shows.fulfillment_line_id(order.plan.no, place): line.no for place, line in enumerate(lines)}
    if "fulfillmentOrderLineItems" not in group:
        return Counter(order.unsent())
    units: Counter[str] = Counter()
    for one in _several(group["fulfillmentOrderLineItems"], "fulfillmentOrderLineItems"):
        if one.get("id") not in by_id:
            raise Wrong("", "Fulfillment order line item does not exist.", "fulfillment")
        units[by_id[str(one["id"])]] += _whole(one.get("quantity"), "quantity", 1, 10_000)
    return units


def _check(order: ShopOrder, units: Counter[str]) -> None:
    status = shows.fulfillment_order_status(order)
    if status not in ("OPEN", "IN_PROGRESS") or order.status != "paid":
        raise Wrong("", f"Fulfillment order has an unfulfillable status = {status.lower()}.", "fulfillment")
    unsent = order.unsent()
    if any(n > unsent.get(no, 0) for no, n in units.items()):
        raise Wrong("", "Invalid fulfillment order line item quantity requested.", "fulfillment")


def variants(shop: ShopifyShop, given: Given) -> list[Json | None]:
    """Show variants by their global ids; one that is not there is null."""
    ids = given.get("ids")
    if not isinstance(ids, list) or len(ids) > MOST_QUANTITIES:
        raise GraphqlError("ids must be a list of at most 250", "INVALID_VARIABLE")
    return [_variant(shop, str(one).rpartition("/")[2]) for one in ids]


def _variant(shop: ShopifyShop, number: str) -> Json | None:
    try:
        shop.shelf.variant(number)
    except Unlisted:
        return None
    item: Json = {"__typename": "InventoryItem", "id": shows.gid("InventoryItem", ITEM + number)}
    return {"__typename": "ProductVariant", "legacyResourceId": number, "inventoryItem": item}


def _set_stock(shop: ShopifyShop, given: Given) -> Json:
    """Set quantities, all or none; a key that came before is answered as it was, for other content refused."""
    told, key = _dict(given.get("input"), "input"), given.get("@idempotent.key")
    trouble = shop.shelf.trouble()
    if trouble == "error":
        raise ListsDead
    if trouble == "limit":
        raise GraphqlError("Throttled", "THROTTLED")
    if not isinstance(key, str) or not key:
        raise GraphqlError("The @idempotent directive is required for this mutation", "BAD_REQUEST")
    content = json.dumps(told, sort_keys=True)
    if key in shop.keys:
        if shop.keys[key] != content:
            raise Wrong("IDEMPOTENCY_KEY_PARAMETER_MISMATCH", "The same key was used with other parameters.")
        return {}
    if told.get("name") not in ("available", "on_hand"):
        raise Wrong("INVALID_NAME", "The quantity name must be either 'available' or 'on_hand'.", "input", "name")
    rows = _several(told.get("quantities"), "quantities")
    found = [_level(shop, place, row) for place, row in enumerate(rows)]
    shop.keys[key] = content
    for listing, quantity in found:
        shop.shelf.tell(listing, quantity)
    return {}


def _level(shop: ShopifyShop, place: int, row: Json) -> tuple[Listing, int]:
    where = ("input", "quantities", str(place))
    if "changeFromQuantity" not in row:
        raise Wrong("", "changeFromQuantity must be given.", *where, "changeFromQuantity")
    if row.get("locationId") != shows.gid("Location", shows.LOCATION):
        raise Wrong("INVALID_LOCATION", "The specified location could not be found.", *where, "locationId")
    quantity = row.get("quantity")
    if isinstance(quantity, int) and quantity < 0:
        raise Wrong("INVALID_QUANTITY_NEGATIVE", "The quantity can't be negative.", *where, "quantity")
    number = str(row.get("inventoryItemId")).rpartition("/")[2].removeprefix(ITEM)
    try:
        return shop.shelf.variant(number), _whole(quantity, "quantity", 0, MOST_UNITS)
    except Unlisted:
        words = "The specified inventory item could not be found."
        raise Wrong("INVALID_INVENTORY_ITEM", words, *where, "inventoryItemId") from None


def _case(shop: ShopifyShop, global_id: object) -> SaleCase:
    case = shop.find_case(str(global_id).rpartition("/")[2])
    if case is None or case.kind != "return":
        raise Wrong("NOT_FOUND", "Return not found.", "input", "id")
    return case


def _done(answer: Callable[[SaleCase], None], case: SaleCase) -> Json:
    try:
        answer(case)
    except NotNow as error:
        raise Wrong("INVALID_STATE", f"Return is not in the right state ({error}).", "input") from None
    return {}


def _approve(shop: ShopifyShop, given: Given) -> Json:
    return _done(shop.answers.agree_return, _case(shop, _dict(given.get("input"), "input").get("id")))


def _decline(shop: ShopifyShop, given: Given) -> Json:
    told = _dict(given.get("input"), "input")
    if told.get("declineReason") not in REASONS:
        raise GraphqlError("declineReason is not included in the list", "INVALID_VARIABLE")
    case, words = _case(shop, told.get("id")), str(told.get("declineNote") or "")
    if case.state != "asked":
        raise Wrong("INVALID_STATE", f"Return is not requested ({case.state}).", "input", "id")
    return _done(lambda one: shop.answers.refuse(one, words), case)


def _process(shop: ShopifyShop, given: Given) -> Json:
    """Take the goods as dealt with, and give the money back that is named, which must be the case's."""
    told = _dict(given.get("input"), "input")
    case = _case(shop, told.get("returnId"))
    if case.state not in ("awaits_goods", "sent"):
        raise Wrong("INVALID_STATE", f"Return is not open ({case.state}).", "input", "returnId")
    refund = _dict(_dict(told.get("financialTransfer"), "financialTransfer").get("issueRefund"), "issueRefund")
    parts = _several(refund.get("orderTransactions"), "orderTransactions")
    amounts = [_dict(one.get("transactionAmount"), "transactionAmount").get("amount") for one in parts]
    minor = sum(round(float(str(one)) * 100) for one in amounts)
    if minor > case.order.paid_minor - case.order.refunded_minor or minor != case.minor:
        raise Wrong("INVALID", "The amount is not what is to be refunded.", "input", "financialTransfer")
    return _done(shop.answers.agree_refund, case)


CHANGES: Mapping[str, Change] = {
    "fulfillmentCreate": _ship,
    "inventorySetQuantities": _set_stock,
    "returnApproveRequest": _approve,
    "returnDeclineRequest": _decline,
    "returnProcess": _process,
}
