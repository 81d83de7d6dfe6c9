"""Stock at Douyin's shop platform: of one SKU, or of several of any products, all or none. Owns no state."""

from simulator.douyin_wire import BUSINESS, INVALID, LIMITED, DouyinError, Json, invalid, whole
from simulator.listings import Listing, Unlisted
from simulator.market import ListsDead, Market

MOST_SKUS, MOST_UNITS, LARGEST = 50, 10**9, 10**19
NO_SKU, NO_PRODUCT = 5, 2010013


def set_one(shop: Market, params: Json) -> Json:
    """Set the quantity of one SKU."""
    _enter(shop, params)
    quantity = whole(params, "stock_num", (0, MOST_UNITS))
    try:
        listing = shop.shelf.variant(str(whole(params, "sku_id", (1, LARGEST))))
    except Unlisted:
        raise invalid(NO_SKU, f"sku_id: {params['sku_id']}, 找不到对应的sku") from None
    shop.shelf.tell(listing, quantity)
    return {}


def set_several(shop: Market, params: Json) -> Json:
    """Set the quantities of SKUs; one that is wrong spoils them all, and one idempotency id is taken once."""
    _enter(shop, params)
    given, once = params.get("items"), params.get("idempotent_id")
    if not isinstance(once, str) or not once:
        raise invalid("idempotent_id", "idempotent_id must be given")
    if not isinstance(given, list) or not 1 <= len(given) <= MOST_SKUS:
        raise invalid("items", f"items must hold 1 to {MOST_SKUS} SKUs")
    if once in shop.shelf.taken:
        raise DouyinError(BUSINESS, "isv.business-failed:-20002", "Token已被使用")
    found = [_read(shop, one) for one in given]
    shop.shelf.taken.add(once)
    for listing, quantity, _ in found:
        shop.shelf.tell(listing, quantity)
    return {"results": [_result(*one) for one in found]}


def _read(shop: Market, given: object) -> tuple[Listing, int, str]:
    if not isinstance(given, dict):
        raise invalid("items", "items must hold objects")
    quantity = whole(given, "stock_num", (0, MOST_UNITS))
    product, sku = str(whole(given, "product_id", (1, LARGEST))), str(whole(given, "sku_id", (1, LARGEST)))
    if all(one.item != product for one in shop.shelf.listings.values()):
        raise invalid(NO_PRODUCT, "查询商品信息失败，请检查参数后重试")
    try:
        return shop.shelf.find(product, sku), quantity, str(given.get("uniq_id", ""))
    except Unlisted:
        raise DouyinError(BUSINESS, "isv.business-failed:2010042", "商品已删除，不可更新") from None


def _result(listing: Listing, quantity: int, name: str) -> Json:
    return {
        "sku_id": int(listing.variant),
        "stock_num": quantity,
        "status_code": 0,
        "status_message": "",
        "uniq_id": name,
    }


def _enter(shop: Market, params: Json) -> None:
    trouble = shop.shelf.trouble()
    if trouble == "error":
        raise ListsDead
    if trouble == "limit":
        raise DouyinError(LIMITED, "isv.business-failed:2010401", "系统繁忙，请稍后再试")
    if params.get("incremental") is not False:
        raise DouyinError(INVALID, "isv.parameter-invalid:incremental", "incremental must be false here")


METHODS = {"sku.syncStock": set_one, "sku.syncStockBatchMultiProducts": set_several}
