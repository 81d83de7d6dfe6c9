"""Shopee: its paths and its pushes for all Shopee shops. Owns no state of orders.

How a seller answers a return is not documented, so that here somebody does it by hand after a while.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

import httpx
from fastapi import APIRouter, Request, Response

from simulator.back_office import BackOffice
from simulator.clock import now
from simulator.listings import Unlisted
from simulator.market import ListsDead, Stall, Surroundings, Unheard
from simulator.platform import Kind, Opening
from simulator.platforms import shopee_wire as wire
from simulator.platforms.shopee_order import brief, escrow, optional, sale_return, seconds, status_of
from simulator.platforms.shopee_wire import LIMITED, PARAM, Json, ShopeeError, whole
from simulator.sending import Lane, Letter, Sender, Verdict, verdict_of_status
from simulator.sending import Request as Post
from simulator.settings_shops import Seller
from simulator.shop import ShopOrder

LONGEST = timedelta(days=15)
MOST_DETAILS, MOST_PER_PAGE, MOST_MODELS, MOST_UNITS, LARGEST = 50, 100, 50, 10**9, 10**19
ORDER_STATUS, TRACKING_NO = 3, 4
CLOCKS: Mapping[str, Callable[[ShopOrder], datetime | None]] = {
    "create_time": lambda order: order.placed_at,
    "update_time": lambda order: order.updated_at,
}
Query = Mapping[str, str]


class ShopeeShop(Stall):
    """One shop: what happens to an order is pushed as a hint; returns are only listed."""

    waybills = "one"

    def __init__(self, settings: Seller, around: Surroundings, url: str, sender: Sender) -> None:
        super().__init__(settings, around)
        self.settings = settings
        self.office = BackOffice(around, self.name)
        self._url = f"{url.rstrip('/')}/in/shopee/{settings.shop}"
        self._sender = sender
        self._lanes: dict[str, Lane] = {}

    def tell(self, order: ShopOrder, *, hold: bool) -> None:
        """Push what the buyer did."""
        order.messages_sent += 1
        order.unheard = True
        self._push(order, ORDER_STATUS, hold=hold)

    async def told(self, order: ShopOrder) -> None:
        lane = self._lanes.get(order.plan.no)
        if lane is not None:
            await lane.empty()

    def tell_sent(self, order: ShopOrder) -> None:
        self._push(order, TRACKING_NO)

    def tell_received(self, order: ShopOrder) -> None:
        self._push(order, ORDER_STATUS)

    def _push(self, order: ShopOrder, code: int, *, hold: bool = False) -> None:
        order.messages += 1
        number, event = order.messages, f"{order.plan.no}-{order.messages}-{code}"
        told: Json = {"ordersn": order.plan.no, "update_time": seconds(order.updated_at)}
        more: Json = {"status": status_of(self, order)} if code == ORDER_STATUS else {"tracking_no": "SPX"}
        at = seconds(now())
        body = wire.written(
            {
                "data": {**told, **more, "items": []},
                "shop_id": int(self.settings.shop_id),
                "code": code,
                "timestamp": at,
            }
        )

        def sign() -> Post:
            self.counts["pushes_sent"] += 1
            shown = wire.push_sign(self.settings.secret.get_secret_value(), self._url, body)
            return Post(self._url, {"Authorization": shown, "Content-Type": "application/json"}, body)

        def done(verdict: Verdict) -> None:
            if verdict is Verdict.ACCEPTED:
                order.accepted_messages += 1
                # An older hint says nothing of what came after it.
                order.unheard = order.unheard and number < order.messages

        lane = self._lanes.setdefault(order.plan.no, self._sender.lane("shopee", dead=self.settings.push_dead))
        lane.post(Letter("shopee", event, sign, _taken, done), hold=hold)


def _taken(response: httpx.Response) -> Verdict:
    """Take a 2xx for an answer only when it says nothing."""
    verdict = verdict_of_status(response.status_code)
    return Verdict.REFUSED if verdict is Verdict.ACCEPTED and response.content else verdict


class ShopeePlatform:
    """Answers all paths for all Shopee shops; shop_id and access token say which."""

    def __init__(self, opening: Opening) -> None:
        self._keys = {one.app_key: one.secret.get_secret_value() for one in opening.shops}
        self._shops = [ShopeeShop(one, opening.around, opening.gateway_url, opening.sender) for one in opening.shops]
        self._faults: Counter[str] = opening.faults
        self._calls = 0

    @property
    def shops(self) -> Sequence[ShopeeShop]:
        return self._shops

    def routes(self) -> APIRouter:
        router = APIRouter()

        @router.api_route("/api/v2/{path:path}", methods=["GET", "POST"])
        async def call(path: str, request: Request) -> Response:
            heard = not request.scope.get("unheard", False)
            status, body = self.answer(path, dict(request.query_params), await request.body(), heard=heard)
            return Response(body, status, media_type="application/json")

        return router

    def answer(self, path: str, query: Query, body: bytes, *, heard: bool = True) -> tuple[int, bytes]:
        """Answer one call; raises ListsDead where lists are dead and Unheard where a token would be lost."""
        self._calls += 1
        request_id = f"sim{self._calls:015d}"
        try:
            if path == "auth/access_token/get":
                wire.verify(self._keys, f"/api/v2/{path}", query, now(), public=True)
                if not heard:
                    raise Unheard
                return 200, wire.bare(self._renew(query, wire.read_body(body)), request_id)
            return 200, wire.envelope(self._work(path, query, body, heard=heard), request_id)
        except ShopeeError as error:
            self._faults[f"shopee_answered_{error.word}"] += 1
            return (403 if error.word in wire.FORBIDDEN else 200), wire.envelope(None, request_id, error)

    def _work(self, path: str, query: Query, body: bytes, *, heard: bool) -> Json:
        wire.verify(self._keys, f"/api/v2/{path}", query, now(), public=False)
        shop = self._enter(query)
        if shop.limited():
            shop.counts["limited"] += 1
            raise ShopeeError(LIMITED, "Too many requests.")
        if path in POSTS:
            return POSTS[path](shop, wire.read_body(body))
        if path not in GETS:
            raise ShopeeError(PARAM, "The path is not offered.")
        if not heard and path in SHOWING:
            # The caller does not hear this answer: nothing was shown to anybody.
            return {}
        return GETS[path](shop, query)

    def _enter(self, query: Query) -> ShopeeShop:
        for shop in self._shops:
            mine = (shop.settings.app_key, shop.settings.shop_id) == (query["partner_id"], query.get("shop_id"))
            if mine and shop.purse.holds(query.get("access_token", "")) and not shop.purse.expired:
                return shop
        raise ShopeeError(wire.TOKEN, "Invalid access_token.")

    def _renew(self, query: Query, told: Json) -> Json:
        if str(told.get("partner_id")) != query["partner_id"]:
            raise ShopeeError(PARAM, "partner_id is not that of the query")
        for shop in self._shops:
            mine = (shop.settings.app_key, shop.settings.shop_id) == (query["partner_id"], str(told.get("shop_id")))
            if mine and told.get("refresh_token") == shop.purse.refresh:
                tokens = shop.purse.renew()
                shop.counts["tokens_renewed"] += 1
                names = {"partner_id": int(query["partner_id"]), "shop_id": int(shop.settings.shop_id)}
                pair = {"access_token": tokens.access, "refresh_token": tokens.refresh}
                return {**pair, "expire_in": tokens.expires_in, **names}
        raise ShopeeError(wire.EXPIRED, "Your refresh_token has expired or was used.")


def _list(shop: ShopeeShop, query: Query) -> Json:
    """List orders by number, the oldest first; the cursor is the place of the next one."""
    clock = CLOCKS.get(query.get("time_range_field", ""))
    if clock is None:
        raise ShopeeError(PARAM, "time_range_field must be create_time or update_time")
    begins, ends = wire.window(query, ("time_from", "time_to"), LONGEST, "order.order_list_invalid_time")
    size, at = (
        whole(query, "page_size", 1, MOST_PER_PAGE),
        whole({"cursor": query.get("cursor") or 0}, "cursor", 0, 10**7),
    )
    shop.check_lists()
    pending = query.get("request_order_status_pending") == "true"
    found = [
        one
        for one in shop.listed()
        if begins <= seconds(clock(one)) <= ends and (pending or status_of(shop, one) != "PENDING")
    ]
    found.sort(key=lambda one: (seconds(clock(one)), one.plan.no))
    shop.counts["lists_answered"] += 1
    rows = [{"order_sn": one.plan.no, "order_status": status_of(shop, one)} for one in found[at : at + size]]
    more = at + size < len(found)
    return {"more": more, "next_cursor": str(at + size) if more else "", "order_list": rows}


def _details(shop: ShopeeShop, query: Query) -> Json:
    """Show orders; one that is not known is left out."""
    numbers = [one for one in query.get("order_sn_list", "").split(",") if one]
    if not 1 <= len(numbers) <= MOST_DETAILS:
        raise ShopeeError(PARAM, f"order_sn_list must name 1 to {MOST_DETAILS} orders")
    asked = set(query.get("response_optional_fields", "").split(","))
    shown = []
    for order in filter(None, map(shop.find, numbers)):
        if "item_list" in asked:
            order.show()
        more = {name: value for name, value in optional(order).items() if name in asked}
        shown.append({**brief(shop, order), **more})
    shop.counts["details_answered"] += 1
    return {"order_list": shown}


def _find(shop: ShopeeShop, told: Mapping[str, object]) -> ShopOrder:
    order = shop.find(str(told.get("order_sn", "")))
    if order is None:
        raise ShopeeError(PARAM, "The order is not known.")
    return order


def _escrow(shop: ShopeeShop, query: Query) -> Json:
    order = _find(shop, query)
    if order.paid_at is None:
        raise ShopeeError("payment.not_settled", "The order is not paid.")
    return escrow(order)


def _shipping(shop: ShopeeShop, query: Query) -> Json:
    _find(shop, query)
    return {"info_needed": {"non_integrated": ["tracking_number"]}}


def _tracking(shop: ShopeeShop, query: Query) -> Json:
    order = _find(shop, query)
    return {"tracking_number": order.parcels[0].waybill if order.parcels else ""}


def _ship(shop: ShopeeShop, told: Json) -> Json:
    """Take the waybill of an order: all of it counts as sent."""
    order, way = _find(shop, told), told.get("non_integrated")
    if not isinstance(way, dict) or not way.get("tracking_number"):
        raise ShopeeError(PARAM, "non_integrated must name a tracking_number")
    waybill = str(way["tracking_number"])
    if order.status != "paid" or order.held or order.sent:
        shop.refuse_back(order, waybill)
        raise ShopeeError("logistics.error_status_limit", "The order cannot be shipped in its status.")
    shop.take_back(order, order.unsent(), "", waybill)
    shop.tell_sent(order)
    return {}


def _stock(shop: ShopeeShop, told: Json) -> Json:
    """Set the quantities of models of one item; those that are not known are told."""
    trouble = shop.shelf.trouble()
    if trouble == "error":
        raise ListsDead
    if trouble == "limit":
        raise ShopeeError(LIMITED, "Too many requests.")
    item, levels = str(whole(told, "item_id", 1, LARGEST)), told.get("stock_list")
    if not isinstance(levels, list) or not 1 <= len(levels) <= MOST_MODELS:
        raise ShopeeError(PARAM, f"stock_list must name 1 to {MOST_MODELS} models")
    done: list[Json] = []
    failed: list[Json] = []
    for level in levels:
        model, quantity = _level(level)
        try:
            shop.shelf.tell(shop.shelf.find(item, model), quantity)
            done.append({"model_id": int(model), "stock": quantity})
        except Unlisted:
            failed.append({"model_id": int(model), "failed_reason": "The model is not known."})
    response: Json = {"success_list": done, "failure_list": failed}
    if failed:
        raise ShopeeError("error_busi_update_stock_failed", "See failure_list.", response)
    return response


def _level(level: object) -> tuple[str, int]:
    stock = level.get("seller_stock") if isinstance(level, dict) else None
    if not isinstance(level, dict) or not isinstance(stock, list) or len(stock) != 1 or not isinstance(stock[0], dict):
        raise ShopeeError(PARAM, "seller_stock must name one stock")
    return str(whole(level, "model_id", 0, LARGEST)), whole(stock[0], "stock", 0, MOST_UNITS)


def _returns(shop: ShopeeShop, query: Query) -> Json:
    """List the returns that changed in a window, the oldest change first; pages count from 0."""
    names = ("update_time_from", "update_time_to")
    begins, ends = wire.window(query, names, LONGEST, PARAM)
    page, size = whole(query, "page_no", 0, 10**6), whole(query, "page_size", 1, MOST_PER_PAGE)
    shop.check_lists()
    found = [case for case in shop.cases() if begins <= seconds(case.updated_at) <= ends]
    found.sort(key=lambda case: (case.updated_at, case.no))
    rows = [sale_return(case) for case in found[page * size : (page + 1) * size]]
    return {"more": (page + 1) * size < len(found), "return": rows}


GETS: Mapping[str, Callable[[ShopeeShop, Query], Json]] = {
    "order/get_order_list": _list,
    "order/get_order_detail": _details,
    "payment/get_escrow_detail": _escrow,
    "logistics/get_shipping_parameter": _shipping,
    "logistics/get_tracking_number": _tracking,
    "returns/get_return_list": _returns,
}
POSTS: Mapping[str, Callable[[ShopeeShop, Json], Json]] = {
    "logistics/ship_order": _ship,
    "product/update_stock": _stock,
}
SHOWING = frozenset({"order/get_order_list", "order/get_order_detail"})


def _order_no(seed: int, n: int, drawn: int) -> str:
    """Number an order by a day and letters with digits."""
    return f"26{1 + seed % 12:02d}{1 + seed % 28:02d}S{seed % 1_000:03d}{n + 1:07d}{drawn:04d}"


KIND = Kind("shopee", _order_no, ShopeePlatform)
