"""WeChat shops: their paths and their sealed pushes. Owns no state of orders.

How a seller answers a case is not documented, so that here somebody does it by hand after a while. `more` of a shop's
settings holds `push_token` and `encoding_aes_key`.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from urllib.parse import urlencode

import httpx
from fastapi import APIRouter, Request, Response

from simulator.back_office import BackOffice
from simulator.cases import SaleCase
from simulator.clock import now
from simulator.listings import Unlisted, item_id, variant_id
from simulator.market import ListsDead, Stall, Surroundings
from simulator.platform import Kind, Opening
from simulator.platforms import wechatshop_wire as wire
from simulator.platforms.wechatshop_order import case_node, order_node, seconds
from simulator.platforms.wechatshop_wire import PARAM, Json, WechatError, whole
from simulator.sending import Lane, Letter, Sender, Verdict, verdict_of_status
from simulator.sending import Request as Post
from simulator.settings_shops import Seller
from simulator.shop import ShopOrder

WEEK_SECONDS, DAY_SECONDS, HOURS_2 = 7 * 86_400, 86_400, 7_200
MOST_PER_PAGE, MOST_UNITS = 100, 10**9
CLOCKS: Mapping[str, Callable[[ShopOrder], datetime | None]] = {
    "create_time_range": lambda order: order.placed_at,
    "update_time_range": lambda order: order.updated_at,
}
NEWS = {"unpaid": "new", "paid": "pay", "cancelled": "cancel", "refunded": "cancel"}


class WechatShop(Stall):
    """One shop: every change is pushed as a sealed hint."""

    def __init__(self, settings: Seller, around: Surroundings, url: str, sender: Sender) -> None:
        super().__init__(settings, around)
        self.settings = settings
        self.office = BackOffice(around, self.name)
        self._url = f"{url.rstrip('/')}/in/wechatshop/{settings.shop}"
        self._sender = sender
        self._lanes: dict[str, Lane] = {}

    def tell(self, order: ShopOrder, *, hold: bool) -> None:
        """Push what the buyer did."""
        order.messages_sent += 1
        order.unheard = True
        told: Json = {"order_info": {"order_id": int(order.plan.no)}}
        self._push(order, f"channels_ec_order_{NEWS.get(order.status, 'pay')}", told, hold=hold)

    async def told(self, order: ShopOrder) -> None:
        lane = self._lanes.get(order.plan.no)
        if lane is not None:
            await lane.empty()

    def tell_sent(self, order: ShopOrder) -> None:
        self._push(order, "channels_ec_order_deliver", {"order_info": {"order_id": int(order.plan.no)}})

    def tell_received(self, order: ShopOrder) -> None:
        self._push(order, "channels_ec_order_confirm", {"order_info": {"order_id": int(order.plan.no)}})

    def tell_case(self, case: SaleCase) -> None:
        """Push that a case came to a state."""
        numbers = {"after_sale_order_id": case.no, "order_id": case.order.plan.no, "status": case.state}
        told: Json = {"finder_shop_aftersale_status_update": numbers}
        self._push(case.order, "channels_ec_aftersale_update", told)

    def _push(self, order: ShopOrder, event: str, more: Json, *, hold: bool = False) -> None:
        order.messages += 1
        number, name = order.messages, f"{order.plan.no}-{order.messages}-{event}"
        head: Json = {"ToUserName": "gh_sim", "FromUserName": order.plan.buyer_id, "CreateTime": seconds(now())}
        body = wire.written({**head, "MsgType": "event", "Event": event, **more})

        def sign() -> Post:
            self.counts["pushes_sent"] += 1
            keys = {key: secret.get_secret_value() for key, secret in self.settings.more.items()}
            sealed = wire.seal(body, keys["encoding_aes_key"], self.settings.app_key)
            stamp, nonce = str(seconds(now())), str(number)
            shown = wire.sha1(keys["push_token"], stamp, nonce, sealed)
            query = urlencode({"msg_signature": shown, "timestamp": stamp, "nonce": nonce, "encrypt_type": "aes"})
            told = wire.written({"ToUserName": "gh_sim", "Encrypt": sealed})
            return Post(f"{self._url}?{query}", {"Content-Type": "application/json"}, told)

        def done(verdict: Verdict) -> None:
            if verdict is Verdict.ACCEPTED:
                order.accepted_messages += 1
                # An older hint says nothing of what came after it.
                order.unheard = order.unheard and number < order.messages

        lane = self._lanes.setdefault(order.plan.no, self._sender.lane("wechatshop", dead=self.settings.push_dead))
        lane.post(Letter("wechatshop", name, sign, _taken, done), hold=hold)


def _taken(response: httpx.Response) -> Verdict:
    """Take `success`, or nothing at all, for a yes."""
    verdict = verdict_of_status(response.status_code)
    good = response.content in (b"", b"success")
    return Verdict.AGAIN if verdict is Verdict.ACCEPTED and not good else verdict


class WechatPlatform:
    """Answers all paths for all WeChat shops; the access token says which."""

    def __init__(self, opening: Opening) -> None:
        self._shops = [WechatShop(one, opening.around, opening.gateway_url, opening.sender) for one in opening.shops]
        self._faults: Counter[str] = opening.faults

    @property
    def shops(self) -> Sequence[WechatShop]:
        return self._shops

    def routes(self) -> APIRouter:
        router = APIRouter()

        @router.post("/cgi-bin/stable_token")
        async def token(request: Request) -> Response:
            return self._answered(self._token, await request.body())

        @router.post("/channels/ec/{path:path}")
        async def call(path: str, request: Request) -> Response:
            heard = not request.scope.get("unheard", False)
            token = request.query_params.get("access_token", "")
            return self._answered(lambda told: self._work(path, token, told, heard=heard), await request.body())

        return router

    def _answered(self, work: Callable[[Json], Json], body: bytes) -> Response:
        try:
            told = wire.answer(work(wire.read_body(body)))
        except WechatError as error:
            self._faults[f"wechatshop_answered_{error.errcode}"] += 1
            told = wire.failure(error)
        return Response(told, media_type="application/json; charset=utf-8")

    def _token(self, told: Json) -> Json:
        """Give the token in force, or another one when it is over or that is wanted."""
        if told.get("grant_type") != "client_credential":
            raise WechatError(PARAM, "grant_type must be client_credential")
        for shop in self._shops:
            known = (shop.settings.app_key, shop.settings.secret.get_secret_value())
            if known == (told.get("appid"), told.get("secret")):
                if told.get("force_refresh") is True or shop.purse.expired:
                    shop.counts["tokens_renewed"] += 1
                    tokens = shop.purse.renew()
                    return {"access_token": tokens.access, "expires_in": min(HOURS_2, tokens.expires_in)}
                return {"access_token": shop.purse.access, "expires_in": HOURS_2}
        raise WechatError(wire.TOKEN, "invalid credential, access_token is invalid or not latest")

    def _work(self, path: str, token: str, told: Json, *, heard: bool) -> Json:
        shop = next((one for one in self._shops if one.purse.holds(token) and not one.purse.expired), None)
        if shop is None:
            raise WechatError(wire.TOKEN, "invalid credential, access_token is invalid or not latest")
        if shop.limited():
            shop.counts["limited"] += 1
            raise WechatError(wire.MINUTE_LIMIT, "api minute-quota reach limit")
        if path not in PATHS:
            raise WechatError(PARAM, "the path is not offered")
        if not heard and path in SHOWING:
            # The caller does not hear this answer: nothing was shown to anybody.
            return {}
        return PATHS[path](shop, told)


def _list(shop: WechatShop, told: Json) -> Json:
    """List orders by number, the oldest first; the key of the next page is its place and the window's."""
    name = next((one for one in CLOCKS if one in told), "")
    times = told.get(name)
    if not isinstance(times, dict):
        raise WechatError(PARAM, "create_time_range or update_time_range is needed")
    begins, ends = wire.window(times, ("start_time", "end_time"), WEEK_SECONDS)
    size, clock = whole(told, "page_size", 1, MOST_PER_PAGE), CLOCKS[name]
    shop.check_lists()
    found = [one for one in shop.listed() if begins <= seconds(clock(one)) <= ends]
    found.sort(key=lambda one: (seconds(clock(one)), one.plan.no))
    shop.counts["lists_answered"] += 1
    numbers, more = _page([one.plan.no for one in found], told, (f"{name}{begins}-{ends}", size))
    return {"order_id_list": numbers, **more}


def _page(found: list[str], told: Json, about: tuple[str, int]) -> tuple[list[str], Json]:
    window, size = about
    key = str(told.get("next_key") or f"{window}@0")
    place = key.rpartition("@")[2]
    if key.rpartition("@")[0] != window or not place.isdigit():
        raise WechatError(wire.KEY_MISMATCH, "next_key does not fit")
    at = int(place)
    more = at + size < len(found)
    return found[at : at + size], {"next_key": f"{window}@{at + size}" if more else "", "has_more": more}


def _detail(shop: WechatShop, told: Json) -> Json:
    order = _find(shop, told)
    shop.counts["details_answered"] += 1
    order.show()
    return {"order": order_node(shop, order)}


def _find(shop: WechatShop, told: Json) -> ShopOrder:
    order = shop.find(str(told.get("order_id", "")))
    if order is None:
        raise WechatError(wire.NO_ORDER, "the order is not known")
    return order


def _send(shop: WechatShop, told: Json) -> Json:
    """Take waybills with their units."""
    order, parcels = _find(shop, told), told.get("delivery_list")
    if not isinstance(parcels, list) or len(parcels) != 1 or not isinstance(parcels[0], dict):
        raise WechatError(PARAM, "delivery_list must hold one parcel here")
    waybill, company = str(parcels[0].get("waybill_id") or ""), str(parcels[0].get("delivery_id") or "")
    units = _units(order, parcels[0].get("product_infos"))
    whole(parcels[0], "deliver_type", 1, 10)
    if not waybill or not company:
        raise WechatError(PARAM, "waybill_id and delivery_id are needed")
    unsent = order.unsent()
    too_many = any(count > unsent.get(no, 0) for no, count in units.items())
    if order.status != "paid" or order.held or too_many:
        shop.refuse_back(order, waybill)
        raise WechatError(wire.NOT_SENDABLE, "订单状态不可发货")
    shop.take_back(order, units, company, waybill)
    shop.tell_sent(order)
    return {}


def _units(order: ShopOrder, products: object) -> Counter[str]:
    nodes = {(item_id(line.sku), variant_id(line.sku)): line.no for line in order.plan.basket.lines}
    if not isinstance(products, list) or not products:
        raise WechatError(PARAM, "product_infos must name what is in the parcel")
    units: Counter[str] = Counter()
    for one in products:
        no = nodes.get((str(one.get("product_id")), str(one.get("sku_id")))) if isinstance(one, dict) else None
        if no is None:
            raise WechatError(wire.NO_SKU, "product_id and sku_id are not of this order")
        units[no] += whole(one, "product_cnt", 1, MOST_UNITS)
    return units


def _stock(shop: WechatShop, told: Json) -> Json:
    """Set the quantity of one SKU."""
    trouble = shop.shelf.trouble()
    if trouble == "error":
        raise ListsDead
    if trouble == "limit":
        raise WechatError(wire.MINUTE_LIMIT, "api minute-quota reach limit")
    whole(told, "diff_type", 3, 3)
    quantity = whole(told, "num", 0, MOST_UNITS)
    try:
        listing = shop.shelf.find(str(told.get("product_id", "")), str(told.get("sku_id", "")))
    except Unlisted:
        raise WechatError(wire.NO_SKU, "the SKU is not known") from None
    shop.shelf.tell(listing, quantity)
    return {}


def _cases(shop: WechatShop, told: Json) -> Json:
    """List the cases that changed in a window by number, the oldest change first."""
    begins, ends = wire.window(told, ("begin_update_time", "end_update_time"), DAY_SECONDS)
    shop.check_lists()
    found = [case for case in shop.cases() if begins <= seconds(case.updated_at) <= ends]
    found.sort(key=lambda case: (case.updated_at, case.no))
    numbers, more = _page([case.no for case in found], told, (f"cases{begins}-{ends}", MOST_PER_PAGE))
    return {"after_sale_order_id_list": numbers, **more}


def _case(shop: WechatShop, told: Json) -> Json:
    case = shop.find_case(str(told.get("after_sale_order_id", "")))
    if case is None:
        raise WechatError(wire.NO_ORDER, "the case is not known")
    return {"after_sale_order": case_node(case)}


PATHS: Mapping[str, Callable[[WechatShop, Json], Json]] = {
    "order/list/get": _list,
    "order/get": _detail,
    "order/delivery/send": _send,
    "product/stock/update": _stock,
    "aftersale/getaftersalelist": _cases,
    "aftersale/getaftersaleorder": _case,
}
SHOWING = frozenset({"order/list/get", "order/get"})


def _order_no(seed: int, n: int, drawn: int) -> str:
    """Number an order by 19 digits, beyond 2^53."""
    return f"37{seed % 1_000_000:06d}{n + 1:07d}{drawn:04d}"


KIND = Kind("wechatshop", _order_no, WechatPlatform)
