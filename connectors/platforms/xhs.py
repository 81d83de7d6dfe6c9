"""Xiaohongshu shops (小红书): pulling, re-reading, telling shipments and stock, cases, renewing the token.

Beside it: xhs_push.py receives, xhs_orders.py reads orders, xhs_cases.py cases, xhs_sign.py signs.
The lists only hint. By change they are read from the last page to the first: what changes meanwhile leaves the
window, and those behind it move towards the first page, where they are still to be read. There is no way to answer a
case over the documented interface. Nothing was tried against the platform yet.
"""

from typing import Annotated, Any

import httpx
from pydantic import Field

from connectors import shapes
from connectors.outbound import Clock
from connectors.platforms import xhs_cases as cases
from connectors.platforms import xhs_orders as orders
from connectors.platforms.xhs_gateway import CHANNEL, XhsGateway
from connectors.platforms.xhs_push import XhsInbound
from connectors.shapes import LATEST_SECOND, Lenient
from connectors.vendor import Vendor
from domain.after_sales import ChannelAnswer
from domain.errors import Broken, Refused, Unparsable
from domain.fulfillment import PromiseNotice, ShipmentNotice
from domain.observations import CaseObserved, OrderObserved
from domain.pulling import Page, PullRules, Roll, RollRules, Window
from domain.shops import Role, Shop, Token
from domain.stock_push import Batch, ListingKey, PushRules

LIST, DETAIL = "order.getOrderList", "order.getOrderDetail"
SHIP, STOCK, REFRESH = "order.orderDeliver", "inventory.syncSkuStock", "oauth.refreshToken"
PULL_RULES = PullRules(longest_seconds=1_800, lag_seconds=2.0)
"""By change a window may be half an hour."""
ROLL_RULES = RollRules(longest_seconds=86_400, lag_seconds=2.0)
"""By ordering it may be a day."""
PUSH_RULES = PushRules(most=1)


class _NewToken(Lenient):
    accessToken: Annotated[str, Field(min_length=1)]
    refreshToken: str = ""
    accessTokenExpiresAt: Annotated[int, Field(ge=0, le=LATEST_SECOND * 1000)] = 0


class XhsShop:
    """One shop at Xiaohongshu."""

    def __init__(self, shop: Shop, http: httpx.AsyncClient, clock: Clock) -> None:
        self._shop = shop
        self._clock = clock
        self._gateway = XhsGateway(shop, http, clock)

    async def pull(self, window: Window, cursor: str) -> Page:
        """Ask for one page of hints; the first answer is page 1, and tells where to begin: at the last one."""
        page = shapes.page_of(cursor, orders.MAX_PAGES, CHANNEL) if cursor else 1
        listed, raw = await self._list(window, page, orders.BY_CHANGE)
        pages = -(-listed.total // orders.PAGE_SIZE)
        if pages > orders.MAX_PAGES:
            return Page((), raw, overfull=True)
        if not cursor and pages > 1:
            return Page((), raw, str(pages))
        return Page(orders.hints(listed, window, self._shop), raw, str(page - 1) if page > 1 else "")

    async def roll(self, window: Window, cursor: str) -> Roll:
        """Ask for one page of the orders placed in a window; they do not move, so the pages are read as they come."""
        page = shapes.page_of(cursor, orders.MAX_PAGES, CHANNEL) if cursor else 1
        listed, raw = await self._list(window, page, orders.BY_CREATION)
        pages = -(-listed.total // orders.PAGE_SIZE)
        if pages > orders.MAX_PAGES:
            return Roll((), listed.total, raw, overfull=True)
        return Roll(orders.rolled(listed, window), listed.total, raw, str(page + 1) if page < pages else "")

    async def _list(self, window: Window, page: int, by: int) -> tuple[orders.List, bytes]:
        ref = f"{window.start.isoformat()} {window.end.isoformat()} page {page}"
        return await self._gateway.ask(LIST, ref, orders.question(window, page, by, self._shop), orders.List)

    async def read_order(self, no: str) -> tuple[OrderObserved, bytes]:
        """Ask for the whole order behind a hint; Broken when the answer cannot be read or is about another one."""
        told, raw = await self._gateway.ask(DETAIL, no, {"orderId": no}, orders.Whole)
        try:
            seen = orders.read_order(told.model_dump(), self._shop)
        except Unparsable as error:
            raise Broken(f"{CHANNEL} about {no}: {error.reason}") from error
        if seen.no != no:
            raise Broken(f"{CHANNEL} answered about another order than {no}")
        return seen, raw

    async def write_back(self, notice: ShipmentNotice) -> None:
        """Tell a parcel; a part names its SKUs. A refusal is a success when the order has this waybill.

        A SKU takes one waybill: of a line that travels in two parcels only the first is told.
        """
        numbers = tuple(line.line_no for line in notice.lines if line.line_no not in notice.again)
        if notice.lines and not numbers:
            return
        company = shapes.pairs(self._shop, "carriers", "SF=shunfeng,YTO=yuantong").get(notice.carrier, notice.carrier)
        params: dict[str, Any] = {
            "orderId": notice.order_no,
            "expressNo": notice.waybill_no,
            "expressCompanyCode": company,
            "expressCompanyName": company,
            "deliveringTime": shapes.to_millis(notice.shipped_at),
            "unpack": not notice.whole,
        }
        if not notice.whole:
            params["skuIdList"] = orders.sku_ids(numbers)
        try:
            await self._gateway.tell(SHIP, notice.key, params)
        except Refused:
            told, _ = await self._gateway.ask(DETAIL, notice.key, {"orderId": notice.order_no}, orders.Sent)
            if notice.waybill_no not in told.waybills:
                raise

    async def tell_promise(self, notice: PromiseNotice) -> None:
        """Refused: the platform takes no promise from us; a person tells the buyer."""
        raise Refused("no-way", f"xhs has no way to tell that {notice.order_no} leaves later")

    async def push_stock(self, batch: Batch) -> dict[ListingKey, Refused]:
        """Set the quantity of one SKU, which is named by its own number alone."""
        (level,) = batch
        sku_id = level.variant_id or level.item_id
        await self._gateway.tell(STOCK, f"{sku_id} {level.sequence}", {"skuId": sku_id, "qty": level.quantity})
        return {}

    async def pull_cases(self, window: Window, cursor: str) -> Page:
        """Ask for one page of hints at cases that changed, the last page first, as `pull` reads orders."""
        page = shapes.page_of(cursor, cases.MAX_PAGES, CHANNEL) if cursor else 1
        ref = f"cases {window.start.isoformat()} page {page}"
        listed, raw = await self._gateway.ask(cases.LIST, ref, cases.question(window, page), cases.List)
        pages = -(-listed.totalCount // cases.PAGE_SIZE)
        if pages > cases.MAX_PAGES:
            return Page((), raw, overfull=True)
        if not cursor and pages > 1:
            return Page((), raw, str(pages))
        return Page(cases.hints(listed, window, self._shop), raw, str(page - 1) if page > 1 else "")

    async def read_case(self, case_no: str) -> tuple[CaseObserved, bytes]:
        """Ask for one case; Broken when the answer is about another one, or says what nobody knows."""
        detail, raw = await self._gateway.ask(cases.DETAIL, case_no, {"returnsId": case_no}, cases.Detail)
        return cases.observe(detail, case_no, self._shop), raw

    async def answer_case(self, told: ChannelAnswer) -> None:
        """Refused: no documented way leads there."""
        words = f"xhs takes no {told.action.value} over its interface ({told.key})"
        raise Refused("no-way", f"{words}: answer it on the platform's own pages")

    async def renew(self) -> Token:
        """Ask for a new token with the refresh token; Refused sends the seller to authorise."""
        old = self._shop.token
        if old is None or not old.refresh:
            raise Refused("no-refresh-token", f"shop {self._shop.code} has none: have the seller authorise it again")
        new = await self._gateway.refreshed(REFRESH, f"the token of {self._shop.code}", old.refresh, _NewToken)
        end = new.accessTokenExpiresAt
        # Milliseconds, as all times in answers; seconds would be so far below that they cannot be mistaken.
        expires_at = shapes.from_millis(end if end > LATEST_SECOND else end * 1000) if end else None
        return Token(new.accessToken, new.refreshToken or old.refresh, expires_at, old.version + 1)


VENDOR = Vendor(
    name=CHANNEL,
    role=Role.SALES,
    zone="Asia/Shanghai",
    currency="CNY",
    endpoint_url="the controller, such as https://ark.xiaohongshu.com/ark/open_api/v3/common_controller",
    key_id="app id of our application at the platform",
    secret="app secret of our application at the platform",  # noqa: S106  (an explanation)
    inbound=XhsInbound,
    optional_params={
        "carriers": "our carriers in the platform's words, such as SF=shunfeng,YTO=yuantong; others go as they are",
        "seller_id": "the platform's number of the shop: refuses pushes of others",
        "push_sign": "off to take pushes without a signature that name seller_id; they are hints only",
        "push_path": "the path that the platform pushes to, where it is not /in/xhs/CODE",
        "list_time_unit": "seconds (default) or millis: how the list of orders wants its window",
        "limit_codes": "error codes that mean too often, separated by commas",
        "token_codes": "error codes that mean that the access token is dead, separated by commas",
    },
    pull=PULL_RULES,
    stock=PUSH_RULES,
    cases=cases.PULL_RULES,
    roll=ROLL_RULES,
    asked_with="",
    # 100 a second are allowed to an application.
    per_second=50.0,
    token="accessToken and refreshToken of the seller's authorisation",  # noqa: S106  (an explanation)
    channel=XhsShop,
    rolls=XhsShop,
)
