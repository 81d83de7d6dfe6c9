"""Kuaishou shops (快手小店): pulling, re-reading, telling shipments, cases, renewing the token.

Beside it: kuaishou_push.py receives, kuaishou_orders.py reads orders, kuaishou_cases.py cases, kuaishou_sign.py signs.
An order holds one SKU and takes one waybill, the first parcel's. Numbers of carriers were not found: the shop's
`carriers` says them. Stock is not told: the platform's interface only adds and takes away, so that a repeat after an
unknown outcome would count twice; and there is no way to answer an after-sales case. Nothing was tried against the
platform yet.
"""

from datetime import timedelta
from typing import Annotated

import httpx
from pydantic import Field

from connectors import shapes
from connectors.outbound import Clock
from connectors.platforms import kuaishou_cases as cases
from connectors.platforms import kuaishou_orders as orders
from connectors.platforms.kuaishou_gateway import APP_SECRET, CHANNEL, MSG_SECRET, KuaishouGateway
from connectors.platforms.kuaishou_push import KuaishouInbound
from connectors.shapes import Lenient
from connectors.vendor import Vendor
from domain.after_sales import ChannelAnswer
from domain.errors import Broken, Refused, Unparsable
from domain.fulfillment import PromiseNotice, ShipmentNotice
from domain.observations import CaseObserved, OrderObserved
from domain.pulling import Page, PullRules, Roll, RollRules, Window
from domain.shops import Role, Shop, Token
from domain.stock_push import Batch, ListingKey

LIST, DETAIL = "open.order.cursor.list", "open.order.detail"
SHIP = "open.seller.order.goods.deliver"
MAX_TOKEN_SECONDS = 10 * 366 * 86_400
PULL_RULES = PullRules(longest_seconds=86_400, lag_seconds=2.0)
"""A window may be seven days, and reaches back ninety: a day, so that after an outage the watermark moves on in
steps."""
ROLL_RULES = RollRules(longest_seconds=86_400, lag_seconds=2.0)


class _NewToken(Lenient):
    access_token: Annotated[str, Field(min_length=1)]
    refresh_token: str = ""
    expires_in: Annotated[int, Field(ge=0, le=MAX_TOKEN_SECONDS)] = 0


class KuaishouShop:
    """One shop at Kuaishou."""

    def __init__(self, shop: Shop, http: httpx.AsyncClient, clock: Clock) -> None:
        self._shop = shop
        self._clock = clock
        self._gateway = KuaishouGateway(shop, http, clock)

    async def pull(self, window: Window, cursor: str) -> Page:
        """Ask for one page of what changed, oldest first; the cursor is the platform's own."""
        listed, raw = await self._list(window, cursor, orders.BY_CHANGE)
        rows = tuple(orders.read_row(told, window, self._shop) for told in listed.orderList)
        return Page(rows, raw, orders.next_cursor(cursor, listed.cursor))

    async def roll(self, window: Window, cursor: str) -> Roll:
        """Ask for one page of the orders placed in a window; the platform counts nothing."""
        listed, raw = await self._list(window, cursor, orders.BY_CREATION)
        found = tuple(orders.rolled(told, window) for told in listed.orderList)
        return Roll(found, None, raw, orders.next_cursor(cursor, listed.cursor))

    async def _list(self, window: Window, cursor: str, by: int) -> tuple[orders.List, bytes]:
        ref = f"{window.start.isoformat()} {window.end.isoformat()} from {cursor[:40] or 'the first'}"
        return await self._gateway.ask(LIST, ref, orders.question(window, cursor, by), orders.List)

    async def read_order(self, no: str) -> tuple[OrderObserved, bytes]:
        """Ask for the whole order behind a hint; Broken when the answer cannot be read or is about another one."""
        answer, raw = await self._gateway.ask(DETAIL, no, {"oid": _number(no)}, orders.Detail)
        try:
            seen = orders.read_order(answer.model_dump(), self._shop)
        except Unparsable as error:
            raise Broken(f"{CHANNEL} about {no}: {error.reason}") from error
        if seen.no != no:
            raise Broken(f"{CHANNEL} answered about another order than {no}")
        return seen, raw

    async def write_back(self, notice: ShipmentNotice) -> None:
        """Tell the parcel an order left in. A refusal is a success when the order has this waybill.

        So it is for a parcel with a part, once another one was told: an order takes no second waybill.
        """
        params = {
            "expressNo": notice.waybill_no,
            "expressCode": self._carrier(notice),
            "orderId": _number(notice.order_no),
        }
        try:
            await self._gateway.tell(SHIP, notice.key, params)
        except Refused:
            answer, _ = await self._gateway.ask(DETAIL, notice.key, {"oid": params["orderId"]}, orders.Sent)
            if notice.waybill_no not in answer.waybills and (notice.whole or not answer.waybills):
                raise

    def _carrier(self, notice: ShipmentNotice) -> int:
        number = shapes.pairs(self._shop, "carriers", "SF=4,YTO=2").get(notice.carrier, notice.carrier)
        if not number.isascii() or not number.isdigit():
            words = f"carrier {notice.carrier} has no number at kuaishou ({notice.key})"
            words = f"{words}: set carriers of {self._shop.code}"
            raise Refused("carrier", words)
        return int(number)

    async def tell_promise(self, notice: PromiseNotice) -> None:
        """Refused: the platform takes no promise from us; a person tells the buyer."""
        raise Refused("no-way", f"kuaishou has no way to tell that {notice.order_no} leaves later")

    async def push_stock(self, batch: Batch) -> dict[ListingKey, Refused]:
        """Refused: the platform takes differences only, and a repeat of one would count twice."""
        raise Refused("no-way", "kuaishou takes no absolute quantities: set them on the platform's own pages")

    async def pull_cases(self, window: Window, cursor: str) -> Page:
        """Ask for one page of the cases that changed in a window, as `pull` does for orders."""
        ref = f"cases {window.start.isoformat()} {window.end.isoformat()} from {cursor[:40] or 'the first'}"
        listed, raw = await self._gateway.ask(cases.LIST, ref, cases.question(window, cursor), cases.List)
        rows = tuple(cases.read_row(told, window, self._shop) for told in listed.rows)
        return Page(rows, raw, orders.next_cursor(cursor, listed.pcursor))

    async def read_case(self, case_no: str) -> tuple[CaseObserved, bytes]:
        """Ask for one case; Broken when the answer is about another one, or says what nobody knows."""
        case, raw = await self._gateway.ask(cases.DETAIL, case_no, {"refundId": _number(case_no)}, cases.Case)
        if case.refundId != case_no:
            raise Broken(f"{CHANNEL} answered about another case than {case_no}")
        return cases.observe(case, self._shop), raw

    async def answer_case(self, told: ChannelAnswer) -> None:
        """Refused: no documented way leads there."""
        words = f"kuaishou takes no {told.action.value} over its interface ({told.key})"
        raise Refused("no-way", f"{words}: answer it on the platform's own pages")

    async def renew(self) -> Token:
        """Ask for a new token with the refresh token; Refused sends the seller to authorise."""
        old = self._shop.token
        if old is None or not old.refresh:
            raise Refused("no-refresh-token", f"shop {self._shop.code} has none: have the seller authorise it again")
        new = await self._gateway.refreshed(old.refresh, _NewToken)
        expires_at = self._clock() + timedelta(seconds=new.expires_in) if new.expires_in else None
        return Token(new.access_token, new.refresh_token or old.refresh, expires_at, old.version + 1)


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise Refused("no-number", f"{CHANNEL} numbers are digits only")
    return int(text)


VENDOR = Vendor(
    name=CHANNEL,
    role=Role.SALES,
    zone="Asia/Shanghai",
    currency="CNY",
    endpoint_url="the gateway without a path, such as https://openapi.kwaixiaodian.com",
    key_id="app key of our application at the platform",
    secret="signSecret of our application at the platform, which is not its app secret",  # noqa: S106  (an explanation)
    inbound=KuaishouInbound,
    sealed_params={
        APP_SECRET: "app secret of our application: renews tokens",
        MSG_SECRET: "message secret of our application: opens pushes; a second line is the one before",
    },
    optional_params={
        "carriers": "numbers of carriers at Kuaishou, such as SF=4,YTO=2",
        "sign_method": "HMAC_SHA256 (default) or MD5",
        "limit_codes": "results that mean too often, separated by commas",
        "token_codes": "results that mean that the access token is dead, separated by commas",
    },
    pull=PULL_RULES,
    cases=cases.PULL_RULES,
    roll=ROLL_RULES,
    asked_with="",
    token="access_token and refresh_token of the seller's authorisation at open.kwaixiaodian.com",  # noqa: S106
    channel=KuaishouShop,
    rolls=KuaishouShop,
)
