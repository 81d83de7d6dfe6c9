"""Kuaishou's platform with all its shops. Owns no state of orders; pushes are in kuaishou_shop.py."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import TypeVar
from urllib.parse import parse_qsl

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from simulator.market import Unheard
from simulator.platform import Kind, Opening
from simulator.platforms import kuaishou_wire as wire
from simulator.platforms.kuaishou_shop import KuaishouShop
from simulator.platforms.kuaishou_shows import case_detail, millis, order_detail
from simulator.platforms.kuaishou_wire import Json, KuaishouError, text, whole
from simulator.shop import ShopOrder

MOST_ORDERS, MOST_CASES = 50, 100
DAY_MILLIS = 86_400_000
LATEST = 10**14
NO_MORE = "nomore"
T = TypeVar("T")


class KuaishouPlatform:
    """Answers all methods for all Kuaishou shops; the access token says which."""

    def __init__(self, opening: Opening) -> None:
        self.shops = [KuaishouShop(one, opening) for one in opening.shops]
        self._secrets = {one.settings.app_key: one.settings.secret.get_secret_value() for one in self.shops}
        self._faults = opening.faults

    def routes(self) -> APIRouter:
        """Give the paths of the methods, and that of tokens."""
        router = APIRouter()

        async def token(request: Request) -> Response:
            return JSONResponse(self.refresh(request.query_params, heard=not request.scope.get("unheard", False)))

        async def method(path: str, request: Request) -> Response:
            form = dict(parse_qsl((await request.body()).decode("utf-8", "replace")))
            heard = not request.scope.get("unheard", False)
            answer = self.answer(path, {**request.query_params, **form}, heard=heard)
            return Response(answer, media_type="application/json;charset=utf-8")

        router.add_api_route("/oauth2/refresh_token", token, methods=["GET"])
        router.add_api_route("/{path:path}", method, methods=["GET", "POST"])
        return router

    def answer(self, path: str, given: Mapping[str, str], *, heard: bool = True) -> bytes:
        """Answer one call; raises ListsDead where lists are dead."""
        try:
            params = wire.verify(self._secrets, path, given)
            return wire.envelope(self._work(given, params, heard=heard))
        except KuaishouError as error:
            self._faults[f"kuaishou_answered_{error.result}"] += 1
            return wire.envelope(None, error)

    def _work(self, given: Mapping[str, str], params: Json, *, heard: bool) -> Json:
        method = given["method"]
        if method not in _METHODS:
            raise KuaishouError(wire.BAD_PARAM, "接口不存在")
        shop = self._enter(given)
        if shop.limited():
            shop.counts["limited"] += 1
            raise KuaishouError(wire.LIMITED, "接口调用频繁，已限流")
        if not heard and method != "open.seller.order.goods.deliver":
            # The caller does not hear this answer: nothing was shown to anybody.
            return {}
        return _METHODS[method](shop, params)

    def _enter(self, given: Mapping[str, str]) -> KuaishouShop:
        for shop in self.shops:
            if shop.settings.app_key == given["appkey"] and shop.purse.holds(given["access_token"]):
                if shop.purse.expired:
                    raise KuaishouError(wire.NO_TOKEN, "access_token 已过期")
                return shop
        raise KuaishouError(wire.NO_TOKEN, "access_token 无效")

    def refresh(self, query: Mapping[str, str], *, heard: bool) -> Json:
        """Give a new pair of tokens for a refresh token, which works once; the secret is the application's own."""
        if not heard:
            raise Unheard
        for shop in self.shops:
            known = shop.settings.app_key == query.get("app_id") and shop.more("app_secret") == query.get("app_secret")
            good = query.get("grant_type") == "refresh_token" and query.get("refresh_token") == shop.purse.refresh
            if known and good:
                new = shop.purse.renew()
                shop.counts["tokens_renewed"] += 1
                life = {"expires_in": new.expires_in, "refresh_token_expires_in": 15_552_000, "open_id": "o"}
                return {"result": 1, "access_token": new.access, "refresh_token": new.refresh, **life}
        return {"result": 100200500, "error": "invalid_grant", "error_msg": "refresh_token is not known or was used"}


def _window(params: Json, days: int) -> tuple[int, int]:
    begins, ends = whole(params, "beginTime", 1, LATEST), whole(params, "endTime", 1, LATEST)
    if not begins < ends or ends - begins > days * DAY_MILLIS:
        raise KuaishouError(wire.BAD_PARAM, f"beginTime 与 endTime 的间隔不能超过 {days} 天")
    return begins, ends


def _after(cursor: str, rows: Iterable[tuple[int, str, T]], size: int) -> tuple[list[T], str]:
    """Give the rows after a cursor, oldest first, and the next cursor."""
    moment, _, no = cursor.partition("_")
    known = (int(moment), no) if moment.isdigit() else (0, "")
    later = sorted((row for row in rows if (row[0], row[1]) > known), key=lambda row: row[:2])
    shown = later[:size]
    return [row[2] for row in shown], f"{shown[-1][0]}_{shown[-1][1]}" if len(later) > size else NO_MORE


def _search(shop: KuaishouShop, params: Json) -> Json:
    """List what was ordered or changed in a window, both ends included."""
    begins, ends = _window(params, 7)
    size = whole(params, "pageSize", 1, MOST_ORDERS)
    whole(params, "sort", 1, 1)
    by_creation = whole(params, "queryType", 1, 2) == 1
    shop.check_lists()
    clock: Callable[[ShopOrder], datetime | None] = lambda one: one.placed_at if by_creation else one.updated_at  # noqa: E731
    rows = [(millis(clock(one)), one.plan.no, one) for one in shop.listed() if begins <= millis(clock(one)) <= ends]
    found, cursor = _after(text(params, "cursor"), rows, size)
    shop.counts["lists_answered"] += 1
    for order in found if not by_creation else ():
        order.show()
    listed = [order_detail(one, shop.seed, "orderRefundList") for one in found]
    return {"cursor": cursor, "orderList": listed, "pageSize": size, "beginTime": begins, "endTime": ends}


def _find(shop: KuaishouShop, number: int) -> ShopOrder:
    order = shop.find(str(number))
    if order is None:
        raise KuaishouError(wire.BUSINESS, "订单不存在")
    return order


def _detail(shop: KuaishouShop, params: Json) -> Json:
    order = _find(shop, whole(params, "oid", 1, 10**19))
    shop.counts["details_answered"] += 1
    order.show()
    return order_detail(order, shop.seed, "orderDetailRefundList")


def _ship(shop: KuaishouShop, params: Json) -> Json:
    """Take the one waybill of an order."""
    order = _find(shop, whole(params, "orderId", 1, 10**19))
    company, waybill = str(whole(params, "expressCode", 1, 10**6)), text(params, "expressNo")
    if order.status != "paid" or order.held or order.wholly_sent:
        shop.refuse_back(order, waybill)
        raise KuaishouError(wire.BUSINESS, "订单状态不允许发货")
    shop.take_back(order, order.unsent(), company, waybill)
    shop.tell_sent(order)
    return {}


def _cases(shop: KuaishouShop, params: Json) -> Json:
    """List the cases that changed in a window, the oldest change first."""
    begins, ends = _window(params, 1)
    size = whole(params, "pageSize", 1, MOST_CASES)
    whole(params, "type", 9, 9), whole(params, "queryType", 2, 2), whole(params, "sort", 2, 2)
    shop.check_lists()
    rows = [(millis(one.updated_at), one.no, one) for one in shop.cases() if begins <= millis(one.updated_at) <= ends]
    found, cursor = _after(text(params, "pcursor"), rows, size)
    return {"pcursor": cursor, "pageSize": size, "refundOrderInfoList": [case_detail(one) for one in found]}


def _case(shop: KuaishouShop, params: Json) -> Json:
    case = shop.find_case(str(whole(params, "refundId", 1, 10**19)))
    if case is None:
        raise KuaishouError(wire.BUSINESS, "售后单不存在")
    return case_detail(case)


_METHODS: Mapping[str, Callable[[KuaishouShop, Json], Json]] = {
    "open.order.cursor.list": _search,
    "open.order.detail": _detail,
    "open.seller.order.goods.deliver": _ship,
    "open.seller.order.refund.pcursor.list": _cases,
    "open.seller.order.refund.detail": _case,
}


def _order_no(seed: int, n: int, end: int) -> str:
    """Number an order as Kuaishou does: sixteen digits."""
    return str(2_000_000_000_000_000 + (seed % 10_000) * 10**11 + n * 10_000 + end - end % 2)


KIND = Kind("kuaishou", _order_no, KuaishouPlatform, most_lines=1)
