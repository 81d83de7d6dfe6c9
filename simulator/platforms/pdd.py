"""Pinduoduo: its methods and its message service for all Pinduoduo shops. Owns no state of orders.

Only orders that came about are shown: what nobody paid for never was. How a seller answers a case is not documented, so
that here somebody does it by hand after a while.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from fastapi import APIRouter, Request, Response, WebSocket

from simulator.back_office import BackOffice
from simulator.cases import SaleCase
from simulator.clock import now
from simulator.listings import Unlisted
from simulator.market import ListsDead, Stall, Surroundings, Tokens, Unheard
from simulator.platform import Kind, Opening
from simulator.platforms import pdd_wire as wire
from simulator.platforms.pdd_order import DETAIL_TYPES, LIST_TYPES, case_info, changed_at, order_info
from simulator.platforms.pdd_post import PostOffice
from simulator.platforms.pdd_wire import Json, PddError, invalid, text, whole
from simulator.settings_shops import Seller
from simulator.shop import ShopOrder

Params = Mapping[str, str]
DAY_SECONDS, HALF_HOUR_SECONDS = 86_400, 1_800
MOST_UNITS = 10**9
CONFIRMED, SENT, SUCCESS, RISK = "TradeConfirmed", "TradeSellerShip", "TradeSuccess", "TradeRiskChanged"
CASE_TOPICS = {
    "asked": "RefundCreated",
    "awaits_goods": "RefundAgreeAgreement",
    "sent": "RefundBuyerReturnGoods",
    "paid": "RefundAgreeAgreement",
    "closed": "RefundClosed",
    "refused": "RefundCreateMessage",
    "done": "RefundCreateMessage",
}


class PddShop(Stall):
    """One shop: every change is a message, and may be asked for."""

    waybills = "one"

    def __init__(self, settings: Seller, around: Surroundings, post: PostOffice) -> None:
        super().__init__(settings, around)
        self.settings = settings
        self.office = BackOffice(around, self.name)
        self._post = post
        self._dead = settings.push_dead or "pdd" in around.profile.push_dead

    def shown(self) -> list[ShopOrder]:
        """List the orders that came about."""
        return [order for order in self.listed() if order.paid_at is not None]

    def tell(self, order: ShopOrder, *, hold: bool) -> None:
        """Speak of what the buyer did, once the order came about."""
        if order.paid_at is None:
            return
        order.messages_sent += 1
        order.unheard = True
        self._say(order, "pdd_trade_" + (RISK if order.held or order.status != "paid" else CONFIRMED))

    def tell_sent(self, order: ShopOrder) -> None:
        self._say(order, f"pdd_trade_{SENT}")

    def tell_received(self, order: ShopOrder) -> None:
        self._say(order, f"pdd_trade_{SUCCESS}")

    def tell_case(self, case: SaleCase) -> None:
        """Speak of a case."""
        millis = int(case.updated_at.timestamp() * 1000)
        money = {"refund_fee": case.minor, "bill_type": 1, "modified": millis, "operation": 1000}
        number = {"refund_id": int(case.no.rpartition("-")[2])}
        self._say(case.order, f"pdd_refund_{CASE_TOPICS[case.state]}", {**money, **number})

    def _say(self, order: ShopOrder, topic: str, more: Json | None = None) -> None:
        if self._dead:
            return
        order.messages += 1
        number = order.messages
        self.counts["pushes_sent"] += 1

        def heard() -> None:
            order.accepted_messages += 1
            # An older hint says nothing of what came after it.
            order.unheard = order.unheard and number < order.messages

        mall = self.settings.shop_id
        self._post.post(topic, mall, {"mall_id": int(mall), "tid": order.plan.no, **(more or {})}, heard)


class PddPlatform:
    """Answers all methods for all Pinduoduo shops; the access token says which."""

    def __init__(self, opening: Opening) -> None:
        self._secrets = {one.app_key: one.secret.get_secret_value() for one in opening.shops}
        self._posts = {client: PostOffice() for client in self._secrets}
        self._shops = [PddShop(one, opening.around, self._posts[one.app_key]) for one in opening.shops]
        self._faults: Counter[str] = opening.faults
        self._calls = 0

    @property
    def shops(self) -> Sequence[PddShop]:
        return self._shops

    def routes(self) -> APIRouter:
        router = APIRouter()

        @router.post("/api/router")
        async def call(request: Request) -> Response:
            heard = not request.scope.get("unheard", False)
            return Response(self.answer(await request.body(), heard=heard), media_type="application/json")

        @router.websocket("/message/{client_id}/{millis}/{shown}")
        async def listen(socket: WebSocket, client_id: str, millis: str, shown: str) -> None:
            if wire.may_listen(self._secrets, client_id, millis, shown, now()):
                await self._posts[client_id].serve(socket)
            else:
                await socket.close(1008)

        return router

    def answer(self, body: bytes, *, heard: bool = True) -> bytes:
        """Answer one call; raises ListsDead where lists are dead and Unheard where a token would be lost."""
        self._calls += 1
        request_id = f"sim{self._calls:015d}"
        try:
            params = wire.verify(self._secrets, body, now())
            wrapper, answer = self._work(params, heard=heard)
            return wire.success(wrapper, answer, request_id)
        except PddError as error:
            self._faults[f"pdd_answered_{error.code}"] += 1
            return wire.failure(error, request_id)

    def _work(self, params: Params, *, heard: bool) -> tuple[str, Json]:
        method = params["type"]
        if method == "pdd.pop.auth.token.refresh":
            if not heard:
                raise Unheard
            return "pop_auth_token_refresh_response", self._renew(params)
        if method not in METHODS:
            raise PddError(wire.METHOD)
        shop = self._enter(params)
        if shop.limited():
            shop.counts["limited"] += 1
            raise PddError(wire.LIMITED)
        wrapper, work = METHODS[method]
        if not heard and method in SHOWING:
            # The caller does not hear this answer: nothing was shown to anybody.
            return wrapper, {}
        return wrapper, work(shop, params)

    def _enter(self, params: Params) -> PddShop:
        for shop in self._shops:
            if shop.settings.app_key == params["client_id"] and shop.purse.holds(params.get("access_token", "")):
                if shop.purse.expired:
                    break
                return shop
        raise PddError(wire.TOKEN)

    def _renew(self, params: Params) -> Json:
        refresh = text(params, "refresh_token")
        for shop in self._shops:
            if shop.settings.app_key == params["client_id"] and refresh == shop.purse.refresh:
                return _tokens(shop, shop.purse.renew())
        raise PddError(wire.PARAM, "refresh_token", "refresh_token is not known or was used")


def _tokens(shop: PddShop, tokens: Tokens) -> Json:
    shop.counts["tokens_renewed"] += 1
    life = {"expires_in": tokens.expires_in, "expires_at": int(now().timestamp()) + tokens.expires_in}
    names = {"owner_id": shop.settings.shop_id, "owner_name": shop.settings.shop}
    return {"access_token": tokens.access, "refresh_token": tokens.refresh, **life, **names}


def _changed(shop: PddShop, params: Params) -> Json:
    """List what changed in a window, the oldest change first."""
    begins, ends = wire.window(params, "updated_at", HALF_HOUR_SECONDS)
    moments = {order.plan.no: changed_at(shop, order) for order in shop.shown()}
    found = [one for one in shop.shown() if (at := moments[one.plan.no]) and begins <= int(at.timestamp()) <= ends]
    found.sort(key=lambda one: (str(moments[one.plan.no]), one.plan.no))
    return _page(shop, params, found, "order_sn_list")


def _arose(shop: PddShop, params: Params) -> Json:
    """List what came about in a window."""
    begins, ends = wire.window(params, "confirm_at", DAY_SECONDS)
    found = [one for one in shop.shown() if one.paid_at and begins <= int(one.paid_at.timestamp()) <= ends]
    found.sort(key=lambda one: (str(one.paid_at), one.plan.no))
    return _page(shop, params, found, "order_list")


def _page(shop: PddShop, params: Params, found: list[ShopOrder], name: str) -> Json:
    page, size = wire.page(params)
    whole(params, "order_status", 1, 5), whole(params, "refund_status", 1, 5)
    shop.check_lists()
    shown = found[(page - 1) * size : page * size]
    shop.counts["lists_answered"] += 1
    for order in shown:
        order.show()
    rows = [order_info(shop, order) for order in shown]
    return {name: rows, "total_count": len(found), "has_next": page * size < len(found)}


def _detail(shop: PddShop, params: Params) -> Json:
    order = _find(shop, params)
    shop.counts["details_answered"] += 1
    order.show()
    return {"order_info": order_info(shop, order)}


def _find(shop: PddShop, params: Params) -> ShopOrder:
    order = shop.find(text(params, "order_sn"))
    if order is None or order.paid_at is None:
        raise invalid("order_sn", "is not known")
    return order


def _send(shop: PddShop, params: Params) -> Json:
    """Take the waybill of an order: all of it counts as sent."""
    order, waybill = _find(shop, params), text(params, "tracking_number")
    whole(params, "redelivery_type", 1, 1)
    company = str(whole(params, "logistics_id", 1, 10**6))
    if order.status != "paid" or order.held or order.sent:
        shop.refuse_back(order, waybill)
        raise invalid("order_sn", "订单状态不可发货")
    shop.take_back(order, order.unsent(), company, waybill)
    shop.tell_sent(order)
    return {"is_success": True}


def _stock(shop: PddShop, params: Params) -> Json:
    """Set the quantity of one SKU."""
    trouble = shop.shelf.trouble()
    if trouble == "error":
        raise ListsDead
    if trouble == "limit":
        raise PddError(wire.LIMITED)
    whole(params, "update_type", 1, 1)
    quantity = whole(params, "quantity", 0, MOST_UNITS)
    try:
        listing = shop.shelf.find(text(params, "goods_id"), text(params, "sku_id"))
    except Unlisted:
        raise invalid("sku_id", "is not known") from None
    shop.shelf.tell(listing, quantity)
    return {"is_success": True}


def _cases(shop: PddShop, params: Params) -> Json:
    """List the cases that changed in a window, the oldest change first."""
    begins, ends = wire.window(params, "updated_at", HALF_HOUR_SECONDS)
    whole(params, "after_sales_type", 1, 1), whole(params, "after_sales_status", 1, 1)
    page, size = wire.page(params)
    shop.check_lists()
    found = [case for case in shop.cases() if begins <= int(case.updated_at.timestamp()) <= ends]
    found.sort(key=lambda case: (case.updated_at, case.no))
    rows = [case_info(case, LIST_TYPES) for case in found[(page - 1) * size : page * size]]
    return {"refund_list": rows, "total_count": len(found)}


def _case(shop: PddShop, params: Params) -> Json:
    case = shop.find_case(f"{text(params, 'order_sn')}-{text(params, 'after_sales_id')}")
    if case is None:
        raise invalid("after_sales_id", "is not known")
    return case_info(case, DETAIL_TYPES)


METHODS: Mapping[str, tuple[str, Callable[[PddShop, Params], Json]]] = {
    "pdd.order.number.list.increment.get": ("order_sn_increment_get_response", _changed),
    "pdd.order.list.get": ("order_list_get_response", _arose),
    "pdd.order.information.get": ("order_info_get_response", _detail),
    "pdd.logistics.online.send": ("logistics_online_send_response", _send),
    "pdd.goods.quantity.update": ("goods_quantity_update_response", _stock),
    "pdd.refund.list.increment.get": ("refund_increment_get_response", _cases),
    "pdd.refund.information.get": ("refund_information_get_response", _case),
}
SHOWING = frozenset(name for name in METHODS if name.startswith("pdd.order."))


def _order_no(seed: int, n: int, drawn: int) -> str:
    """Number an order by a day and 15 digits."""
    return f"26{1 + seed % 12:02d}{1 + seed % 28:02d}-{seed % 1_000:03d}{n + 1:08d}{drawn:04d}"


KIND = Kind("pdd", _order_no, PddPlatform)
