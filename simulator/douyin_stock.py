"""Stock at Douyin's shop platform: of one SKU, or of several of one product, all or none. Owns no state."""

from simulator.douyin_wire import BUSINESS, INVALID, LIMITED, DouyinError, Json, invalid, whole
from simulator.listings import Listing, Unlisted
from simulator.market import ListsDead, Market

MOST_SKUS, MOST_UNITS, LARGEST = 50, 10**9, 10**19
ORDINARY = 0
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
    """Set the quantities of SKUs of one product; one that is wrong spoils them all."""
    _enter(shop, params)
    product, given = str(whole(params, "product_id", (1, LARGEST))), params.get("sku_sync_list")
    if not isinstance(given, list) or not 1 <= len(given) <= MOST_SKUS:
        raise invalid("sku_sync_list", f"sku_sync_list must hold 1 to {MOST_SKUS} SKUs")
    if all(one.item != product for one in shop.shelf.listings.values()):
        raise invalid(NO_PRODUCT, "查询商品信息失败，请检查参数后重试")
    found = [_read(shop, product, one) for one in given]
    for listing, quantity in found:
        shop.shelf.tell(listing, quantity)
    return {}


def _read(shop: Market, product: str, given: object) -> tuple[Listing, int]:
    if not isinstance(given, dict):
        raise invalid("sku_sync_list", "sku_sync_list must hold objects")
    whole(given, "sku_type", (ORDINARY, ORDINARY))
    quantity = whole(given, "stock_num", (0, MOST_UNITS))
    try:
        return shop.shelf.find(product, str(whole(given, "sku_id", (1, LARGEST)))), quantity
    except Unlisted:
        raise DouyinError(BUSINESS, "isv.business-failed:2010042", "商品已删除，不可更新") from None


def _enter(shop: Market, params: Json) -> None:
    trouble = shop.shelf.trouble()
    if trouble == "error":
        raise ListsDead
    if trouble == "limit":
        raise DouyinError(LIMITED, "isv.business-failed:2010401", "系统繁忙，请稍后再试")
    if params.get("incremental") is not False:
        raise DouyinError(INVALID, "isv.parameter-invalid:incremental", "incremental must be false here")


METHODS = {"sku.syncStock": set_one, "sku.syncStockBatch": set_several}
