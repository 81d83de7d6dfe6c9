"""Xiaohongshu's platform with all its shops. Owns no state of orders; pushes are in xhs_shop.py."""

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import timedelta

from fastapi import APIRouter, Request
from fastapi.responses import Response

from simulator.clock import now
from simulator.listings import Unlisted, variant_id
from simulator.market import ListsDead, Unheard
from simulator.platform import Kind, Opening
from simulator.platforms import xhs_wire as wire
from simulator.platforms.xhs_shop import XhsShop
from simulator.platforms.xhs_shows import case_detail, case_row, detail, millis, row
from simulator.platforms.xhs_wire import Json, XhsError, text, whole
from simulator.shop import ShopOrder

MOST_PER_PAGE, MOST_PAGES, MOST_CASE_ROWS = 100, 100, 50_000
DAY, HALF_HOUR = 86_400, 1_800
LATEST = 10**14
MOST_UNITS = 10**9
REFRESH = "oauth.refreshToken"
READS = ("order.get", "afterSale.")


class XhsPlatform:
    """Answers all methods for all Xiaohongshu shops; the access token says which."""

    def __init__(self, opening: Opening) -> None:
        self.shops = [XhsShop(one, opening) for one in opening.shops]
        self._secrets = {one.settings.app_key: one.settings.secret.get_secret_value() for one in self.shops}
        self._faults = opening.faults

    def routes(self) -> APIRouter:
        """Give the one path of all methods, which is also the whole URL."""
        router = APIRouter()

        async def controller(request: Request) -> Response:
            answer = self.answer(await request.body(), heard=not request.scope.get("unheard", False))
            return Response(answer, media_type="application/json;charset=utf-8")

        router.add_api_route("", controller, methods=["POST"])
        router.add_api_route("/ark/open_api/v3/common_controller", controller, methods=["POST"])
        return router

    def answer(self, body: bytes, *, heard: bool = True) -> bytes:
        """Answer one call; raises ListsDead where lists are dead and Unheard where a token would be lost."""
        try:
            given = wire.verify(self._secrets, body)
            return wire.envelope(self._work(given, heard=heard))
        except XhsError as error:
            self._faults[f"xhs_answered_{error.code}"] += 1
            return wire.envelope(None, error)

    def _work(self, given: Json, *, heard: bool) -> object:
        method = str(given["method"])
        if method == REFRESH:
            if not heard:
                raise Unheard
            return self._refresh(given)
        if method not in _METHODS:
            raise XhsError(wire.BAD_PARAM, "method 不存在")
        shop = self._enter(given)
        if shop.limited():
            shop.counts["limited"] += 1
            raise XhsError(wire.LIMITED, "接口调用频率超过限制")
        if not heard and method.startswith(READS):
            # The caller does not hear this answer: nothing was shown to anybody.
            return {}
        return _METHODS[method](shop, given)

    def _enter(self, given: Json) -> XhsShop:
        for shop in self.shops:
            if shop.settings.app_key == given["appId"] and shop.purse.holds(str(given.get("accessToken"))):
                if shop.purse.expired:
                    raise XhsError(wire.NO_TOKEN, "accessToken 已过期")
                return shop
        raise XhsError(wire.NO_TOKEN, "accessToken 无效")

    def _refresh(self, given: Json) -> Json:
        """Give a new pair of tokens for a refresh token, which works once."""
        for shop in self.shops:
            if shop.settings.app_key == given["appId"] and given.get("refreshToken") == shop.purse.refresh:
                new = shop.purse.renew()
                shop.counts["tokens_renewed"] += 1
                ends = millis(now() + timedelta(seconds=new.expires_in))
                named = {"sellerId": shop.settings.shop_id, "sellerName": shop.settings.shop}
                pair = {"accessToken": new.access, "refreshToken": new.refresh, "accessTokenExpiresAt": ends}
                return {**pair, "refreshTokenExpiresAt": ends, **named}
        raise XhsError(wire.BUSINESS, "refreshToken 已使用")


def _list(shop: XhsShop, params: Json) -> Json:
    """List what was ordered or changed in a window, both ends included, the latest first; pages count from 1."""
    by_creation = whole(params, "timeType", 1, 2) == 1
    begins, ends = whole(params, "startTime", 1, LATEST // 1000), whole(params, "endTime", 1, LATEST // 1000)
    if not begins < ends or ends - begins > (DAY if by_creation else HALF_HOUR):
        raise XhsError(wire.BAD_PARAM, "时间范围不正确: 创建时间最长 24 小时, 更新时间最长 30 分钟")
    page, size = whole(params, "pageNo", 1, MOST_PAGES), whole(params, "pageSize", 1, MOST_PER_PAGE)
    shop.check_lists()
    clock = "placed_at" if by_creation else "updated_at"
    found = [one for one in shop.listed() if begins <= millis(getattr(one, clock)) // 1000 <= ends]
    found.sort(key=lambda one: (getattr(one, clock), one.plan.no), reverse=True)
    shop.counts["lists_answered"] += 1
    rows = [row(one) for one in found[(page - 1) * size : page * size]]
    pages = -(-len(found) // size)
    return {"total": len(found), "pageNo": page, "pageSize": size, "maxPageNo": pages, "orderList": rows}


def _find(shop: XhsShop, params: Json) -> ShopOrder:
    order = shop.find(text(params, "orderId"))
    if order is None:
        raise XhsError(wire.BUSINESS, "订单不存在")
    return order


def _detail(shop: XhsShop, params: Json) -> Json:
    order = _find(shop, params)
    shop.counts["details_answered"] += 1
    order.show()
    return detail(order, shop.seed)


def _deliver(shop: XhsShop, params: Json) -> str:
    """Take a waybill for everything that was not sent yet, or for the SKUs that are named."""
    order = _find(shop, params)
    company, waybill = text(params, "expressCompanyCode"), text(params, "expressNo")
    units = Counter(order.unsent())
    if params.get("unpack"):
        wanted = params.get("skuIdList")
        if not isinstance(wanted, list) or not wanted:
            raise XhsError(wire.BAD_PARAM, "skuIdList 不能为空")
        skus = {line.no: line for line in order.plan.basket.lines}
        units = Counter({no: n for no, n in units.items() if variant_id(skus[no].sku) in wanted})
    if order.status != "paid" or order.held or not units:
        shop.refuse_back(order, waybill)
        raise XhsError(wire.BUSINESS, "订单状态不允许发货")
    shop.take_back(order, units, company, waybill)
    shop.tell_sent(order)
    return ""


def _stock(shop: XhsShop, params: Json) -> Json:
    trouble = shop.shelf.trouble()
    if trouble == "error":
        raise ListsDead
    if trouble == "limit":
        raise XhsError(wire.LIMITED, "接口调用频率超过限制")
    quantity = whole(params, "qty", 0, MOST_UNITS)
    try:
        shop.shelf.tell(shop.shelf.find(text(params, "skuId"), ""), quantity)
    except Unlisted:
        raise XhsError(wire.BUSINESS, "SKU 不存在") from None
    return {}


def _cases(shop: XhsShop, params: Json) -> Json:
    """List the cases that changed in a window of milliseconds, nested as newer answers are."""
    begins, ends = whole(params, "startTime", 1, LATEST), whole(params, "endTime", 1, LATEST)
    if whole(params, "timeType", 2, 2) and (not begins < ends or ends - begins > HALF_HOUR * 1000):
        raise XhsError(wire.BAD_PARAM, "更新时间范围最长 30 分钟")
    page, size = whole(params, "pageNo", 1, MOST_CASE_ROWS), whole(params, "pageSize", 1, MOST_PER_PAGE)
    if page * size > MOST_CASE_ROWS:
        raise XhsError(wire.BAD_PARAM, f"pageNo × pageSize 不能超过 {MOST_CASE_ROWS}")
    shop.check_lists()
    found = [one for one in shop.cases() if begins <= millis(one.updated_at) <= ends]
    found.sort(key=lambda one: (one.updated_at, one.no), reverse=True)
    rows = [case_row(one) for one in found[(page - 1) * size : page * size]]
    return _nested({"totalCount": len(found), "pageNo": page, "pageSize": size, "afterSaleBasicInfos": rows})


def _case(shop: XhsShop, params: Json) -> Json:
    case = shop.find_case(text(params, "returnsId"))
    if case is None:
        return {"code": wire.BUSINESS, "msg": "售后单不存在", "success": False, "data": None}
    return _nested(case_detail(case))


def _nested(data: Json) -> Json:
    return {"code": 0, "msg": "", "success": True, "data": data}


_METHODS: Mapping[str, Callable[[XhsShop, Json], object]] = {
    "order.getOrderList": _list,
    "order.getOrderDetail": _detail,
    "order.orderDeliver": _deliver,
    "inventory.syncSkuStock": _stock,
    "afterSale.listAfterSaleInfos": _cases,
    "afterSale.getAfterSaleInfo": _case,
}


def _order_no(seed: int, n: int, end: int) -> str:
    """Number an order as Xiaohongshu does: a letter and eighteen digits."""
    return f"P{7 * 10**17 + (seed % 100_000) * 10**12 + n * 10_000 + end}"


KIND = Kind("xhs", _order_no, XhsPlatform)
