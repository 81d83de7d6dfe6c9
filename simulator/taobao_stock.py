"""Stock at Taobao: quantities of an item, or of its variants, set as they are given. Owns no state."""

from collections.abc import Mapping

from simulator.clock import now, stamp
from simulator.listings import Listing, Unlisted
from simulator.market import ListsDead, Market
from simulator.taobao_wire import Json, TopError, invalid, text

MOST_VARIANTS = 20
NO_ITEM, NO_VARIANT = "isv.item-not-exist", "isv.sku-not-exist"
"""Words of our own: how the platform calls them is not published."""
Params = Mapping[str, str]


def set_item(shop: Market, params: Params) -> Json:
    """Set the quantity of an item without variants, or of one variant."""
    _enter(shop, params)
    listing = _find(shop, text(params, "num_iid"), params.get("sku_id", ""))
    shop.shelf.tell(listing, _quantity(text(params, "quantity")))
    return _answer(listing, [listing])


def set_variants(shop: Market, params: Params) -> Json:
    """Set the quantities of up to 20 variants of one item: all of them or none."""
    _enter(shop, params)
    pairs = [pair.partition(":") for pair in text(params, "skuid_quantities").split(";")]
    if len(pairs) > MOST_VARIANTS:
        raise invalid("skuid_quantities", f"at most {MOST_VARIANTS} variants")
    found = [(_find(shop, text(params, "num_iid"), one), _quantity(given)) for one, _, given in pairs]
    for listing, quantity in found:
        shop.shelf.tell(listing, quantity)
    return _answer(found[0][0], [listing for listing, _ in found])


def _enter(shop: Market, params: Params) -> None:
    """Check the way of updating, and whether stock can be told at all."""
    trouble = shop.shelf.trouble()
    if trouble == "error":
        raise ListsDead
    if trouble == "limit":
        raise TopError(7, "accesscontrol.limited-by-api-access-count", "This ban will last for 1 more seconds")
    if params.get("type", "1") != "1":
        raise invalid("type", "only 1, a full update, is offered here")


def _find(shop: Market, item: str, variant: str) -> Listing:
    try:
        return shop.shelf.find(item, variant)
    except Unlisted:
        known = any(one.item == item for one in shop.shelf.listings.values())
        words = "该商品下没有此SKU" if known else "商品不存在"
        raise TopError(15, NO_VARIANT if known else NO_ITEM, words) from None


def _quantity(given: str) -> int:
    if not (given.isascii() and given.isdigit()):
        raise invalid("quantity", "must be a whole number from 0")
    return int(given)


def _answer(first: Listing, done: list[Listing]) -> Json:
    at = stamp(now())
    skus = [{"sku_id": int(one.variant), "quantity": one.shown, "modified": at} for one in done if one.variant]
    item: Json = {"num_iid": int(first.item), "modified": at, "num": sum(one.shown for one in done)}
    return {"item": {**item, **({"skus": {"sku": skus}} if skus else {})}}


METHODS = {"taobao.item.quantity.update": set_item, "taobao.skus.quantity.update": set_variants}
