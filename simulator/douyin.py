"""Douyin's shop platform: its methods for all Douyin shops. Owns no state of orders; pushes are in douyin_shop.py."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from simulator import douyin_cases, douyin_stock
from simulator import douyin_wire as wire
from simulator.clock import now
from simulator.douyin_order import ciphers, seconds, shop_order, status_of
from simulator.douyin_shop import DouyinShop
from simulator.douyin_wire import BUSINESS, LIMITED, NO_PERMISSION, DouyinError, Json, invalid, text, whole
from simulator.market import Tokens, Unheard
from simulator.plan_shops import child_no
from simulator.shop import ShopOrder

REACH_BACK_SECONDS = 90 * 86_400
MOST_PER_PAGE, MOST_ROWS, MOST_CIPHERS, MOST_PACKS = 100, 50_000, 50, 50
LATEST_MOMENT = 10**11
# The vendor numbers the faults of a list's parameters.
NO_TIME, BACKWARDS, TOO_LONG_AGO, BAD_PAGE, BAD_SIZE, TOO_FAR, BAD_STATUS = (
    20011,
    20048,
    20022,
    10035,
    20008,
    20013,
    20012,
)
CLOCKS = {"create_time": "placed_at", "update_time": "main_at"}


class DouyinPlatform:
    """Answers all methods for all Douyin shops; the access token says which."""

    def __init__(self, shops: Sequence[DouyinShop], faults: Counter[str]) -> None:
        self._shops = shops
        self._secrets = {one.settings.app_key: one.settings.secret.get_secret_value() for one in shops}
        self._faults = faults
        self._calls = 0
        self._methods: dict[str, Callable[[DouyinShop, Json], Json]] = {
            "order.searchList": _search,
            "order.orderDetail": _detail,
            "order.logisticsAdd": _send,
            "order.logisticsAddMultiPack": _send_packs,
            "order.batchDecrypt": _decrypt,
            **douyin_stock.METHODS,
            **douyin_cases.METHODS,
        }

    def answer(self, path: str, query: Mapping[str, str], body: bytes, *, heard: bool = True) -> bytes:
        """Answer one call; raises ListsDead where lists are dead and Unheard where a token would be lost."""
        self._calls += 1
        log_id = f"sim{self._calls:017d}"
        try:
            params = wire.verify(self._secrets, path, query, body, now())
            return wire.envelope(self._work(query, params, heard=heard), log_id)
        except DouyinError as error:
            self._faults[f"douyin_answered_{error.sub_code}"] += 1
            return wire.envelope(None, log_id, error)

    def _work(self, query: Mapping[str, str], params: Json, *, heard: bool) -> Json:
        method = query["method"]
        if method in ("token.create", "token.refresh"):
            if not heard:
                raise Unheard
            return self._create(query, params) if method == "token.create" else self._refresh(query, params)
        if method not in self._methods:
            raise DouyinError(wire.ILLEGAL, "isv.method-invalid", "the method is not offered")
        shop = self._enter(query)
        if shop.limited():
            shop.counts["limited"] += 1
            raise DouyinError(LIMITED, "isv.rate-limited", "too many calls, try again in 1 second")
        if not heard and method in ("order.searchList", "order.orderDetail"):
            # The caller does not hear this answer: nothing was shown to anybody.
            return {}
        return self._methods[method](shop, params)

    def _enter(self, query: Mapping[str, str]) -> DouyinShop:
        token = query.get("access_token", "")
        for shop in self._shops:
            if shop.settings.app_key == query["app_key"] and shop.purse.holds(token):
                if shop.purse.expired:
                    raise DouyinError(NO_PERMISSION, "isv.access-token-expired", "access_token has expired")
                return shop
        raise DouyinError(NO_PERMISSION, "isv.access-token-no-existed", "access_token is not known")

    def _create(self, query: Mapping[str, str], params: Json) -> Json:
        """Give tokens to an app of the shop's own; there are no codes to exchange."""
        if params.get("grant_type") != "authorization_self":
            raise DouyinError(BUSINESS, "dop.token-generate-failed:code-expired", "the code is not known")
        for shop in self._shops:
            if shop.settings.app_key == query["app_key"] and str(params.get("shop_id")) == shop.settings.shop_id:
                return _tokens(shop, shop.purse.renew())
        raise DouyinError(BUSINESS, "dop.token-generate-failed:shop", "shop_id is not one of this app")

    def _refresh(self, query: Mapping[str, str], params: Json) -> Json:
        if params.get("grant_type") != "refresh_token":
            raise DouyinError(wire.ILLEGAL, "isv.parameter-invalid:grant_type", "grant_type must be refresh_token")
        token = text(params, "refresh_token")
        for shop in self._shops:
            if shop.settings.app_key == query["app_key"] and token == shop.purse.refresh:
                return _tokens(shop, shop.purse.renew())
        words = "refresh_token is not known or was used"
        raise DouyinError(BUSINESS, "dop.token-generate-failed:token-expired", words)


def _tokens(shop: DouyinShop, tokens: Tokens) -> Json:
    shop.counts["tokens_renewed"] += 1
    return {
        "access_token": tokens.access,
        "refresh_token": tokens.refresh,
        "expires_in": tokens.expires_in,
        "scope": "SCOPE",
        "shop_id": int(shop.settings.shop_id),
        "shop_name": shop.settings.shop,
        "authority_id": shop.settings.shop_id,
    }


def _search(shop: DouyinShop, params: Json) -> Json:
    """List what was created or changed its status in a window, both ends included; pages count from 0."""
    clock, begins, ends = _window(params)
    page = whole(params, "page", (0, MOST_ROWS), BAD_PAGE)
    size = whole(params, "size", (1, MOST_PER_PAGE), BAD_SIZE)
    if (page + 1) * size > MOST_ROWS:
        raise invalid(TOO_FAR, f"at most {MOST_ROWS} rows can be reached; take a smaller window")
    order_by, ascending, statuses = (
        params.get("order_by", "create_time"),
        params.get("order_asc", False),
        _statuses(params),
    )
    if order_by not in CLOCKS or not isinstance(ascending, bool):
        raise invalid("order_by", "order_by must be create_time or update_time, order_asc a boolean")
    shop.check_lists()
    found = [
        order
        for order in shop.listed()
        if begins <= seconds(getattr(order, CLOCKS[clock])) <= ends and (not statuses or status_of(order) in statuses)
    ]
    found.sort(key=lambda one: (getattr(one, CLOCKS[str(order_by)]), one.plan.no), reverse=not ascending)
    shown = found[page * size : (page + 1) * size]
    shop.counts["lists_answered"] += 1
    for order in shown:
        order.show()
    rows = [shop_order(order, shop.seed) for order in shown]
    return {"page": page, "total": len(found), "size": size, "shop_order_list": rows}


def _window(params: Json) -> tuple[str, int, int]:
    clock = next((name for name in CLOCKS if f"{name}_start" in params or f"{name}_end" in params), None)
    if clock is None:
        raise invalid(NO_TIME, "create_time_start and _end, or update_time_start and _end, are needed")
    begins, ends = (whole(params, f"{clock}_{end}", (0, LATEST_MOMENT), NO_TIME) for end in ("start", "end"))
    if ends < begins:
        raise invalid(BACKWARDS, f"{clock}_end must not be before {clock}_start")
    if begins < seconds(now()) - REACH_BACK_SECONDS:
        raise invalid(TOO_LONG_AGO, f"{clock}_start must not be more than 90 days ago")
    return clock, begins, ends


def _statuses(params: Json) -> set[int]:
    """Read `combine_status`: one element that names statuses."""
    combined = params.get("combine_status", [])
    try:
        if not isinstance(combined, list) or len(combined) > 1:
            raise ValueError
        return {int(code) for one in combined for code in str(one["order_status"]).split(",")}
    except (ValueError, KeyError, TypeError):
        raise invalid(BAD_STATUS, 'combine_status must be [{"order_status": "2,3"}]') from None


def _detail(shop: DouyinShop, params: Json) -> Json:
    order = _find(shop, text(params, "shop_order_id"))
    shop.counts["details_answered"] += 1
    order.show()
    return {"shop_order_detail": shop_order(order, shop.seed)}


def _find(shop: DouyinShop, number: str) -> ShopOrder:
    order = shop.find(number)
    if order is None:
        raise DouyinError(BUSINESS, "isv.business-failed:order-not-exist", "the order is not known")
    return order


def _send(shop: DouyinShop, params: Json) -> Json:
    """Take one waybill for everything that was not sent yet."""
    order = _find(shop, text(params, "order_id"))
    waybill, company = text(params, "logistics_code"), text(params, "company_code")
    try:
        _check_sendable(order)
    except DouyinError:
        shop.refuse_back(order, waybill)
        raise
    shop.take_back(order, order.unsent(), company, waybill)
    shop.tell_sent(order)
    return {"pack_id": waybill}


def _check_sendable(order: ShopOrder) -> None:
    if order.status != "paid" or order.held:
        words = "the order is not paid, must not be sent yet, or is closed"
        raise DouyinError(BUSINESS, "isv.business-failed:order-status", words)
    if order.wholly_sent:
        raise DouyinError(BUSINESS, "isv.business-failed:already-shipped", "the order was shipped")


def _send_packs(shop: DouyinShop, params: Json) -> Json:
    """Take waybills with their units; a repeated request_id with the same content is a success that books nothing."""
    order = _find(shop, text(params, "order_id"))
    packs, request = _packs(order, params), text(params, "request_id")
    content = wire.canonical(params)
    if request in shop.requests:
        if shop.requests[request] != content:
            raise DouyinError(BUSINESS, "isv.business-failed:request-id", "request_id was used for something else")
        return {"order_id": order.plan.no}
    try:
        _check_sendable(order)
        _check_units(order, [units for _, _, units in packs])
    except DouyinError:
        for waybill, _, _ in packs:
            shop.refuse_back(order, waybill)
        raise
    shop.requests[request] = content
    for waybill, company, units in packs:
        shop.take_back(order, units, company, waybill)
    shop.tell_sent(order)
    return {"order_id": order.plan.no}


def _packs(order: ShopOrder, params: Json) -> list[tuple[str, str, Counter[str]]]:
    """Read pack_list: waybill, company and units by line of each."""
    packs = params.get("pack_list")
    if not isinstance(packs, list) or not 1 <= len(packs) <= MOST_PACKS:
        raise invalid("pack_list", f"pack_list must hold 1 to {MOST_PACKS} packs")
    read = []
    for pack in packs:
        if not isinstance(pack, dict):
            raise invalid("pack_list", "pack_list must hold objects")
        read.append((text(pack, "logistics_code"), text(pack, "company_code"), _units(order, pack)))
    return read


def _units(order: ShopOrder, pack: Json) -> Counter[str]:
    lines = order.plan.basket.lines
    by_child = {child_no(order.plan.no, place, len(lines)): line.no for place, line in enumerate(lines)}
    infos = pack.get("shipped_order_info")
    if not isinstance(infos, list) or not infos:
        raise invalid("shipped_order_info", "shipped_order_info must name the child orders of the pack")
    units: Counter[str] = Counter()
    for info in infos:
        if not isinstance(info, dict) or info.get("shipped_order_id") not in by_child:
            raise DouyinError(BUSINESS, "isv.business-failed:child-order", "shipped_order_id is not of this order")
        units[by_child[info["shipped_order_id"]]] += whole(info, "shipped_num", (1, 10_000))
    return units


def _check_units(order: ShopOrder, packs: Sequence[Counter[str]]) -> None:
    unsent = order.unsent()
    wanted: Counter[str] = sum(packs, Counter())
    if any(units > unsent.get(no, 0) for no, units in wanted.items()):
        raise DouyinError(BUSINESS, "isv.business-failed:already-shipped", "more units than are left to ship")


def _decrypt(shop: DouyinShop, params: Json) -> Json:
    """Give plain texts; a cipher text that is not of its order has an error number of its own."""
    infos = params.get("cipher_infos")
    if not isinstance(infos, list) or not 1 <= len(infos) <= MOST_CIPHERS:
        raise invalid("cipher_infos", f"cipher_infos must hold 1 to {MOST_CIPHERS} texts")
    shop.counts["decrypts_answered"] += 1
    return {"decrypt_infos": [_plain(shop, info) for info in infos]}


def _plain(shop: DouyinShop, info: object) -> Json:
    if not isinstance(info, dict):
        raise invalid("cipher_infos", "cipher_infos must hold objects")
    number, cipher = text(info, "auth_id"), text(info, "cipher_text")
    order = shop.find(number)
    known = dict(ciphers(order, shop.seed).values()) if order is not None else {}
    good = cipher in known
    return {
        "auth_id": number,
        "cipher_text": cipher,
        "decrypt_text": known.get(cipher, ""),
        "is_virtual_tel": False,
        "phone_no_a": "",
        "phone_no_b": "",
        "expire_time": 0,
        "err_no": 0 if good else 300008,
        "err_msg": "" if good else "cipher_text is not of this order",
    }
