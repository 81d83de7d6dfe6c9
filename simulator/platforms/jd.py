"""JD's platform with all its shops: nothing is pushed, an order ships as a whole, cases are answered on its pages."""

from collections.abc import Callable, Mapping
from datetime import datetime

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from simulator.back_office import BackOffice
from simulator.cases import SaleCase
from simulator.clock import parse_stamp, stamp
from simulator.listings import Unlisted
from simulator.market import ListsDead, Stall, Surroundings, Unheard
from simulator.platform import Kind, Opening
from simulator.platforms import jd_wire as wire
from simulator.platforms.jd_shows import bill, is_refund, is_shown, order_info, refund
from simulator.platforms.jd_wire import JdError, JdRefusal, Json, text, whole
from simulator.settings_shops import Seller
from simulator.shop import ShopOrder

MOST_PER_PAGE, MOST_PAGES, MOST_PER_CASE_PAGE = 100, 100, 50
LONGEST_DAYS, LONGEST_BILL_DAYS = 31, 7
MOST_UNITS = 10**9
READS = ("Search", "enGet", "queryPageList", "queryById", "query.list")


class JdShop(Stall):
    """One shop: shows orders once they are paid."""

    waybills = "one"

    def __init__(self, settings: Seller, around: Surroundings) -> None:
        super().__init__(settings, around)
        self.settings = settings
        self.office = BackOffice(around, self.name)

    def case_name(self, case: SaleCase) -> str:
        return f"{'R' if is_refund(case) else 'S'}{case.no}"

    def tell(self, order: ShopOrder, *, hold: bool) -> None:
        # An order that is not paid is shown to nobody.
        if is_shown(order):
            super().tell(order, hold=hold)

    def shown(self) -> list[ShopOrder]:
        """List the orders that the platform shows."""
        return [order for order in self.listed() if is_shown(order)]

    def order(self, no: str) -> ShopOrder:
        """Find an order; raises JdRefusal."""
        order = self.find(no)
        if order is None or not is_shown(order):
            raise JdRefusal("订单不存在")
        return order


class JdPlatform:
    """Answers all methods for all JD shops; the access token says which."""

    def __init__(self, opening: Opening) -> None:
        self.shops = [JdShop(one, opening.around) for one in opening.shops]
        self._secrets = {one.settings.app_key: one.settings.secret.get_secret_value() for one in self.shops}
        self._faults = opening.faults

    def routes(self) -> APIRouter:
        """Give the gateway's path, which is also the whole URL, and that of the sign-on host."""
        router = APIRouter()

        async def gateway(request: Request) -> Response:
            heard = not request.scope.get("unheard", False)
            answer = self.answer(dict(request.query_params), await request.body(), heard=heard)
            return Response(answer, media_type="application/json;charset=utf-8")

        async def token(request: Request) -> Response:
            return JSONResponse(self.refresh(request.query_params, heard=not request.scope.get("unheard", False)))

        router.add_api_route("", gateway, methods=["POST"])
        router.add_api_route("/routerjson", gateway, methods=["POST"])
        router.add_api_route("/oauth2/refresh_token", token, methods=["GET"])
        return router

    def answer(self, query: Mapping[str, str], body: bytes, *, heard: bool = True) -> bytes:
        """Answer one call; raises ListsDead where lists are dead."""
        method = query.get("method", "")
        try:
            params = wire.verify(self._secrets, query, body)
            return wire.envelope(method, self._work(query, method, params, heard=heard))
        except JdError as error:
            self._faults[f"jd_answered_{error.code}"] += 1
            return wire.refusal(error)

    def _work(self, query: Mapping[str, str], method: str, params: Json, *, heard: bool) -> Json:
        if method not in _METHODS:
            raise JdError(wire.NO_PERMISSION, "没有权限或方法不存在")
        shop = self._enter(query)
        if shop.limited():
            shop.counts["limited"] += 1
            raise JdError(wire.LIMITED, "调用频率超过限制")
        if not heard and method.endswith(READS):
            # The caller does not hear this answer: nothing was shown to anybody.
            return {}
        return _METHODS[method](shop, params)

    def _enter(self, query: Mapping[str, str]) -> JdShop:
        for shop in self.shops:
            if shop.settings.app_key == query["app_key"] and shop.purse.holds(query["access_token"]):
                if shop.purse.expired:
                    raise JdError(wire.NO_TOKEN, "access_token 已过期")
                return shop
        raise JdError(wire.NO_TOKEN, "无效的 access_token")

    def refresh(self, query: Mapping[str, str], *, heard: bool) -> Json:
        """Give a new pair of tokens for a refresh token, which works once."""
        if not heard:
            raise Unheard
        for shop in self.shops:
            known = shop.settings.app_key == query.get("app_key")
            known = known and self._secrets[shop.settings.app_key] == query.get("app_secret")
            good = query.get("grant_type") == "refresh_token" and query.get("refresh_token") == shop.purse.refresh
            if known and good:
                new = shop.purse.renew()
                shop.counts["tokens_renewed"] += 1
                named = {"open_id": shop.settings.shop_id, "uid": shop.settings.shop_id, "scope": "snsapi_base"}
                life = {"expires_in": new.expires_in}
                return {"access_token": new.access, "refresh_token": new.refresh, **life, **named}
        return {"code": 400, "msg": "refresh_token is not known or was used", "requestId": "sim"}


def _result(success: bool = True, words: str = "") -> Json:
    return {"success": success, "errorCode": "" if success else "10100", "chineseErrCode": words}


def _search(shop: JdShop, params: Json) -> Json:
    """List what was ordered or changed in a window, both ends included, the latest first; pages count from 1."""
    begins, ends = _window(params, "start_date", "end_date", LONGEST_DAYS)
    page, size = whole(params, "page", 1, MOST_PAGES), whole(params, "page_size", 1, MOST_PER_PAGE)
    states = set(text(params, "order_state").split(","))
    text(params, "optional_fields")
    shop.check_lists()
    clock = "placed_at" if params.get("dateType") == "1" else "updated_at"
    rows = [(getattr(one, clock), one) for one in shop.shown() if begins <= _second(getattr(one, clock)) <= ends]
    rows.sort(key=lambda row: (row[0], row[1].plan.no), reverse=True)
    infos = [(one, order_info(one, shop.seed)) for _, one in rows]
    infos = [(one, info) for one, info in infos if info["orderState"] in states]
    found = infos[(page - 1) * size : page * size]
    shop.counts["lists_answered"] += 1
    for order, _ in found:
        if clock == "updated_at":
            order.show()
    told = {"apiResult": _result(), "orderTotal": len(infos), "orderInfoList": [info for _, info in found]}
    return {"searchorderinfo_result": told}


def _window(params: Json, first: str, last: str, days: int) -> tuple[datetime, datetime]:
    begins, ends = wire.moment(params, first), wire.moment(params, last)
    if ends < begins or (ends - begins).days >= days:
        raise JdError(wire.BAD_PARAM, f"{first} 与 {last} 的间隔不能超过 {days} 天")
    return begins, ends


def _second(moment: datetime) -> datetime:
    return parse_stamp(stamp(moment))


def _get(shop: JdShop, params: Json) -> Json:
    number = text(params, "order_id")
    text(params, "optional_fields")
    try:
        order = shop.order(number)
    except JdRefusal as error:
        return {"orderDetailInfo": {"apiResult": _result(False, str(error))}}
    shop.counts["details_answered"] += 1
    order.show()
    return {"orderDetailInfo": {"apiResult": _result(), "orderInfo": order_info(order, shop.seed)}}


def _ship(shop: JdShop, params: Json) -> Json:
    """Take the one waybill of an order."""
    company, waybill = str(whole(params, "logiCoprId", 1, 10**6)), text(params, "logiNo")
    try:
        order = shop.order(text(params, "orderId"))
    except JdRefusal as error:
        return {"sopjosshipment_result": _result(False, str(error))}
    if order.status != "paid" or order.held or order.wholly_sent:
        shop.refuse_back(order, waybill)
        return {"sopjosshipment_result": _result(False, "订单状态不允许出库")}
    shop.take_back(order, order.unsent(), company, waybill)
    return {"sopjosshipment_result": _result()}


def _stock(shop: JdShop, params: Json) -> Json:
    trouble = shop.shelf.trouble()
    if trouble == "error":
        raise ListsDead
    if trouble == "limit":
        raise JdError(wire.LIMITED, "流量超过限制")
    quantity = whole(params, "stockNum", 0, MOST_UNITS)
    try:
        shop.shelf.tell(shop.shelf.variant(str(whole(params, "skuId", 1, 10**19))), quantity)
    except Unlisted:
        return {"apiResult": _result(False, "SKU 不存在")}
    return {"apiResult": _result()}


def _refunds(shop: JdShop, params: Json) -> Json:
    """List refunds by when they were asked for, or reviewed."""
    way = "check" if "checkTimeStart" in params else "apply"
    begins, ends = _window(params, f"{way}TimeStart", f"{way}TimeEnd", LONGEST_DAYS)
    page, size = whole(params, "pageIndex", 1, MOST_PAGES), whole(params, "pageSize", 1, MOST_PER_CASE_PAGE)
    shop.check_lists()
    clock: Callable[[SaleCase], datetime] = lambda one: one.updated_at if way == "check" else one.opened_at  # noqa: E731
    cases = [one for one in shop.cases() if is_refund(one) and (way == "apply" or one.over)]
    found = sorted((one for one in cases if begins <= _second(clock(one)) <= ends), key=lambda one: one.no)
    rows = [refund(one) for one in found[(page - 1) * size : page * size]]
    return {"queryResult": {"success": True, "totalCount": len(found), "result": rows}}


def _refund(shop: JdShop, params: Json) -> Json:
    case = shop.find_case(text(params, "id"))
    return {"queryResult": {"success": True, "result": refund(case) if case is not None and is_refund(case) else None}}


def _bills(shop: JdShop, params: Json) -> Json:
    """List service bills that changed in a window, or one of them."""
    for name in ("buId", "operatePin", "operateNick"):
        text(params, name)
    page, size = whole(params, "pageNumber", 1, MOST_PAGES), whole(params, "pageSize", 1, MOST_PER_CASE_PAGE)
    cases = [one for one in shop.cases() if not is_refund(one)]
    if "serviceId" in params:
        found = [one for one in cases if one.no == params["serviceId"]]
    else:
        begins, ends = _window(params, "updateTimeBegin", "updateTimeEnd", LONGEST_BILL_DAYS)
        shop.check_lists()
        found = [one for one in cases if begins <= _second(one.updated_at) <= ends]
    rows = [bill(one) for one in sorted(found, key=lambda one: one.no)[(page - 1) * size : page * size]]
    return {"pageResult": {"totalCount": len(found), "data": rows}}


def _paid_back(shop: JdShop, params: Json) -> Json:
    case = shop.find_case(text(params, "afsServiceId"))
    paid = case.minor / 100 if case is not None and case.state == "paid" else 0
    return {"result": {"data": {"afsActualRefundDetail": {"actualRefundAmount": paid}}}}


_METHODS: Mapping[str, Callable[[JdShop, Json], Json]] = {
    "jingdong.pop.order.enSearch": _search,
    "jingdong.pop.order.enGet": _get,
    "jingdong.pop.order.shipment": _ship,
    "jingdong.ware.stock.sku.set": _stock,
    "jingdong.pop.afs.soa.refundapply.queryPageList": _refunds,
    "jingdong.pop.afs.soa.refundapply.queryById": _refund,
    "jingdong.asc.query.list": _bills,
    "jingdong.b2c.shop.aftersales.refund.get": _paid_back,
}


def _order_no(seed: int, n: int, end: int) -> str:
    """Number an order as JD does: twelve digits."""
    return str(200_000_000_000 + (seed % 1_000) * 10**8 + n * 100 + end % 100)


KIND = Kind("jd", _order_no, JdPlatform)
