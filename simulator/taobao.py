"""Taobao's TOP gateway and the shops behind it: the methods of /router/rest. Owns no state of orders."""

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from functools import partial

from simulator import taobao_cases, taobao_messages, taobao_stock
from simulator import taobao_wire as wire
from simulator.cases import SaleCase
from simulator.clock import now
from simulator.market import Stall, Surroundings, Unheard
from simulator.plan_shops import child_no
from simulator.settings_shops import Taobao
from simulator.shop import ShopOrder
from simulator.taobao_trade import (
    CLOSED,
    CLOSED_UNPAID,
    DETAIL_ONLY,
    FORBIDDEN,
    OAID_NEEDS,
    STATUSES,
    UNPAID,
    oaid,
    refund,
    status_of,
    trade,
)
from simulator.taobao_wire import Json, TopError, invalid, text

LONGEST_SPAN = timedelta(days=1)
DEFAULT_PAGE, MOST_PER_PAGE, MOST_PAGES = 40, 100, 1_000_000
MOST_QUERIES = 20
UNKNOWN_TRADE, SENT_OR_CLOSED, BAD_SPLIT = "B01", "B04", "P38"
SEND_FAULTS = {
    UNKNOWN_TRADE: "订单不存在",
    SENT_OR_CLOSED: "订单状态不对，该物流订单已经发货或者已关闭，不能重复发货",
    BAD_SPLIT: "订单状态异常，拆单校验未通过",
}
Params = Mapping[str, str]
# Trades of such a status take no waybill.
UNSENDABLE = frozenset({UNPAID, CLOSED, CLOSED_UNPAID, FORBIDDEN})


class TaobaoShop(Stall, taobao_messages.Subscriber):
    """One shop: it is pulled, and every change is a message for the application that it permits to hear of it."""

    waybills = "one"

    def __init__(self, settings: Taobao, around: Surroundings) -> None:
        super().__init__(settings, around)
        self._whose = (settings.shop_id, settings.shop)
        self._dead = settings.push_dead or "taobao" in around.profile.push_dead

    def office(self, app_key: str, faults: Counter[str]) -> taobao_messages.PostOffice:
        """Open the application's post office."""
        return taobao_messages.PostOffice(app_key, self._around.profile, self.seed, faults)

    def tell(self, order: ShopOrder, *, hold: bool) -> None:
        """Speak of what the buyer did."""
        super().tell(order, hold=hold)
        self._say(order, f"taobao_trade_{_news(order)}", {}, hold=hold)

    async def told(self, order: ShopOrder) -> None:
        """Let what is held back go."""
        self.post.flush(order.plan.no)

    def tell_sent(self, order: ShopOrder) -> None:
        self._say(order, f"taobao_trade_{'TradeSellerShip' if order.wholly_sent else 'TradePartlySellerShip'}", {})

    def tell_received(self, order: ShopOrder) -> None:
        self._say(order, "taobao_trade_TradeSuccess", {})

    def tell_case(self, case: SaleCase) -> None:
        about = taobao_cases.case_node(case)
        more = {name: about[name] for name in ("refund_id", "oid", "refund_fee", "modified")}
        self._say(case.order, f"taobao_refund_{taobao_cases.TOPICS[case.state]}", more)

    def _say(self, order: ShopOrder, topic: str, more: Json, *, hold: bool = False) -> None:
        if self._dead or topic not in self.permitted:
            return
        order.messages += 1
        number = order.messages
        self.counts["pushes_sent"] += 1

        def heard() -> None:
            order.accepted_messages += 1
            # An older hint says nothing of what came after it.
            order.unheard = order.unheard and number < order.messages

        content = {"tid": int(order.plan.no), "status": status_of(order), "seller_nick": self._whose[1], **more}
        self.post.post(topic, self._whose, content, heard, hold=hold)


def _news(order: ShopOrder) -> str:
    """Name the topic of the last act."""
    if order.status in ("cancelled", "refunded"):
        return "TradeClose"
    if order.refunds:
        return "TradePartlyRefund"
    return {"unpaid": "TradeCreate", "deposit": "TradeBuyerStepPay"}.get(order.status, "TradeBuyerPay")


class TaobaoGateway:
    """Answers /router/rest for all Taobao shops; the session says which."""

    def __init__(self, settings: Sequence[Taobao], shops: Sequence[TaobaoShop], faults: Counter[str]) -> None:
        self._secrets = {one.app_key: one.secret.get_secret_value() for one in settings}
        self._shops = list(zip(settings, shops, strict=True))
        self._faults = faults
        self._posts: dict[str, taobao_messages.PostOffice] = {}
        for one, shop in self._shops:
            shop.post = self._posts.setdefault(one.app_key, shop.office(one.app_key, faults))
        self._calls = 0
        self._methods: dict[str, Callable[[TaobaoShop, Params], Json]] = {
            "taobao.trades.sold.increment.get": _increment,
            "taobao.trades.sold.get": _sold,
            "taobao.trade.fullinfo.get": _fullinfo,
            "taobao.refund.get": _refund,
            "taobao.logistics.online.send": partial(_send, "online"),
            "taobao.logistics.offline.send": partial(_send, "offline"),
            "taobao.top.oaid.decrypt": _decrypt,
            **taobao_stock.METHODS,
            **taobao_cases.METHODS,
            **taobao_messages.METHODS,
        }

    @property
    def shops(self) -> Sequence[TaobaoShop]:
        return [shop for _, shop in self._shops]

    @property
    def waiting(self) -> int:
        """Count the messages that nobody has confirmed."""
        return sum(post.waiting for post in self._posts.values())

    def answer(self, body: bytes, *, heard: bool = True) -> bytes:
        """Answer one call; raises ListsDead where lists are dead and Unheard where a token would be lost."""
        self._calls += 1
        request_id = f"sim{self._calls:012d}"
        try:
            params = wire.read_form(body)
            method = wire.verify(self._secrets, params, now())
            return wire.success(method, self._work(method, params, heard=heard), request_id)
        except TopError as error:
            self._faults[f"taobao_answered_{error.sub_code or error.code}"] += 1
            return wire.failure(error, request_id)

    def _work(self, method: str, params: Params, *, heard: bool) -> Json:
        if method == "taobao.top.auth.token.refresh":
            if not heard:
                raise Unheard
            return self._renew(params)
        if method not in self._methods:
            raise TopError(22, "isv.invalid-method", "the method is not offered")
        shop = self._enter(params)
        if shop.limited():
            shop.counts["limited"] += 1
            raise TopError(7, "accesscontrol.limited-by-api-access-count", "This ban will last for 1 more seconds")
        if not heard and method in SHOWING:
            # The caller does not hear this answer: nothing was shown to anybody.
            return {}
        return self._methods[method](shop, params)

    def _enter(self, params: Params) -> TaobaoShop:
        """Find the shop of a session; raises TopError."""
        session = params.get("session", "")
        if not session:
            raise TopError(26)
        for settings, shop in self._shops:
            if settings.app_key == params["app_key"] and shop.purse.holds(session):
                if shop.purse.expired:
                    raise TopError(27, "session-expired", "the session has expired")
                return shop
        raise TopError(27, "sessionkey-not-generate-by-isv", "the session is not known")

    def _renew(self, params: Params) -> Json:
        token = text(params, "refresh_token")
        for settings, shop in self._shops:
            if settings.app_key == params["app_key"] and token == shop.purse.refresh:
                tokens = shop.purse.renew()
                shop.counts["tokens_renewed"] += 1
                result = {
                    "access_token": tokens.access,
                    "refresh_token": tokens.refresh,
                    "expires_in": tokens.expires_in,
                    "re_expires_in": tokens.expires_in,
                    "token_type": "Bearer",
                    "taobao_user_nick": shop.name[1],
                }
                return {"token_result": json.dumps(result)}
        raise TopError(15, "isv.invalid-refresh-token", "the refresh token is not known or was used")


SHOWING = frozenset({"taobao.trades.sold.increment.get", "taobao.trade.fullinfo.get"})


def _increment(shop: TaobaoShop, params: Params) -> Json:
    """List what changed in a window, the latest change first."""
    fields = text(params, "fields")
    begins, ends = wire.moment(params, "start_modified"), wire.moment(params, "end_modified")
    if not begins < ends:
        raise invalid("end_modified", "must be after start_modified")
    if ends - begins > LONGEST_SPAN:
        raise invalid("end_modified", "at most one day after start_modified")
    status = params.get("status", "")
    if status and status not in STATUSES:
        raise invalid("status", "is not known")
    page = wire.whole(params, "page_no", 1, MOST_PAGES)
    size = wire.whole(params, "page_size", DEFAULT_PAGE, MOST_PER_PAGE)
    shop.check_lists()
    found = [
        order
        for order in shop.listed()
        if order.updated_at is not None
        and begins <= order.updated_at.replace(microsecond=0) <= ends
        and status in ("", status_of(order))
    ]
    found.sort(key=lambda order: (order.updated_at, order.plan.no), reverse=True)
    shown = found[(page - 1) * size : page * size]
    shop.counts["lists_answered"] += 1
    for order in shown:
        order.show()
    nodes = [wire.select(_without(trade(order, shop.seed)), fields) for order in shown]
    more: Json = {"total_results": len(found)}
    if params.get("use_has_next") == "true":
        more = {"has_next": page * size < len(found)}
    # The vendor leaves out a list that is empty.
    return {**more, **({"trades": {"trade": nodes}} if nodes else {})}


def _sold(shop: TaobaoShop, params: Params) -> Json:
    """List what was created in a window, the newest first; it tells numbers, so nothing counts as shown."""
    fields = text(params, "fields")
    begins, ends = wire.moment(params, "start_created"), wire.moment(params, "end_created")
    if not begins < ends:
        raise invalid("end_created", "must be after start_created")
    page = wire.whole(params, "page_no", 1, MOST_PAGES)
    size = wire.whole(params, "page_size", DEFAULT_PAGE, MOST_PER_PAGE)
    shop.check_lists()
    found = [
        order
        for order in shop.listed()
        if order.placed_at is not None and begins <= order.placed_at.replace(microsecond=0) <= ends
    ]
    found.sort(key=lambda order: (order.placed_at, order.plan.no), reverse=True)
    shown = found[(page - 1) * size : page * size]
    shop.counts["rolls_answered"] += 1
    nodes = [wire.select(_without(trade(order, shop.seed)), fields) for order in shown]
    return {"total_results": len(found), **({"trades": {"trade": nodes}} if nodes else {})}


def _without(node: Json) -> Json:
    return {name: value for name, value in node.items() if name not in DETAIL_ONLY}


def _fullinfo(shop: TaobaoShop, params: Params) -> Json:
    fields = text(params, "fields")
    order = _order(shop, params)
    node = trade(order, shop.seed)
    asked = {name.strip() for name in fields.split(",")}
    if params.get("include_oaid"):
        asked.add("oaid")
    if not asked >= OAID_NEEDS:
        asked.discard("oaid")
    shop.counts["details_answered"] += 1
    order.show()
    return {"trade": wire.select(node, ",".join(asked))}


def _refund(shop: TaobaoShop, params: Params) -> Json:
    fields, number = text(params, "fields"), text(params, "refund_id")
    if (case := shop.find_case(number)) is not None:
        shop.counts["refunds_answered"] += 1
        return {"refund": wire.select(taobao_cases.case_node(case), fields)}
    for order in shop.listed():
        for one in order.refunds:
            if one.id == number:
                place = [line.no for line in order.plan.basket.lines].index(one.line_no)
                shop.counts["refunds_answered"] += 1
                return {"refund": wire.select(refund(order, one, place), fields)}
    raise TopError(15, "isv.refund-not-exist", "the refund is not known")


def _order(shop: TaobaoShop, params: Params) -> ShopOrder:
    order = shop.find(text(params, "tid"))
    if order is None:
        raise TopError(15, "isv.trade-not-exist", "the trade is not known")
    return order


def _unsent(way: str, fault: str) -> TopError:
    """Refuse a waybill in the vendor's words, as open clients quote them."""
    return TopError(15, f"isv.logistics-{way}-service-error:{fault}", SEND_FAULTS[fault])


def _send(way: str, shop: TaobaoShop, params: Params) -> Json:
    """Take a waybill for the whole trade, or for the child orders named when it is split."""
    order = shop.find(text(params, "tid"))
    if order is None:
        raise _unsent(way, UNKNOWN_TRADE)
    waybill, company = text(params, "out_sid"), text(params, "company_code")
    try:
        units = _units(way, order, params)
    except TopError:
        shop.refuse_back(order, waybill)
        raise
    shop.take_back(order, units, company, waybill)
    shop.tell_sent(order)
    return {"shipping": {"is_success": True}}


def _units(way: str, order: ShopOrder, params: Params) -> dict[str, int]:
    """Say which units travel; raises TopError where the trade takes no waybill."""
    split, unsent = params.get("is_split", "0"), order.unsent()
    if split not in ("0", "1"):
        raise invalid("is_split", "must be 0 or 1")
    if split == "1":
        named = _named_lines(way, order, text(params, "sub_tid"))
        unsent = {no: units for no, units in unsent.items() if no in named} if set(named) <= set(unsent) else {}
    if status_of(order) in UNSENDABLE or not unsent:
        raise _unsent(way, SENT_OR_CLOSED)
    return unsent


def _named_lines(way: str, order: ShopOrder, sub_tid: str) -> list[str]:
    lines = order.plan.basket.lines
    by_oid = {child_no(order.plan.no, place, len(lines)): line.no for place, line in enumerate(lines)}
    oids = [oid.strip() for oid in sub_tid.split(",")]
    if any(oid not in by_oid for oid in oids):
        raise _unsent(way, BAD_SPLIT)
    return [by_oid[oid] for oid in oids]


def _decrypt(shop: TaobaoShop, params: Params) -> Json:
    """Give the receivers in clear; a wrong pair of handle and trade is told as not matched."""
    try:
        queries = json.loads(text(params, "query_list"))
    except json.JSONDecodeError:
        raise invalid("query_list", "must be JSON") from None
    if not isinstance(queries, list) or not 1 <= len(queries) <= MOST_QUERIES:
        raise invalid("query_list", f"must be a list of 1 to {MOST_QUERIES} queries")
    shop.counts["decrypts_answered"] += 1
    return {"receiver_list": {"receiver": [_receiver(shop, query) for query in queries]}}


def _receiver(shop: TaobaoShop, query: object) -> Json:
    if not isinstance(query, dict) or not query.get("oaid") or not query.get("tid"):
        raise invalid("query_list", "each query needs oaid and tid")
    asked = {"oaid": str(query["oaid"]), "tid": str(query["tid"])}
    order = shop.find(asked["tid"])
    if order is None or oaid(order, shop.seed) != asked["oaid"]:
        return {**asked, "matched": False}
    who = order.plan.receiver
    return {
        **asked,
        "matched": True,
        "name": who.name,
        "mobile": who.phone,
        "phone": "",
        "state": who.province,
        "city": who.city,
        "district": who.district,
        "town": "",
        "address_detail": who.address,
    }
