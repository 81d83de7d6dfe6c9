"""JD shops (京东 POP): pulling, re-reading, telling shipments and stock, after-sales, renewing the token.

Nothing is pushed over HTTP: JD has messages, but their frames and signature were not found. Changes are pulled by the
moment of change, from the last page to the first: an order that changes meanwhile leaves the window, and those behind
it move towards the first page, where they are still to be read. The encrypted twins of list and detail are asked;
inferred, their answers are shaped as those of the plain ones.
An order is shipped as a whole there: it takes one carrier and waybill, the first parcel's. `ware.stock.sku.set` is
named by third parties only, and so are its parameters; how an answer to either says no was not found: whichever object
in it has a `success` counts. There is no way to answer an after-sales case.
Source: the platform's developer guide and its official client. Nothing was tried against the platform yet.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any

import httpx
from pydantic import Field, ValidationError

from connectors import fields, shapes
from connectors.outbound import Clock
from connectors.platforms import jd_cases as cases
from connectors.platforms import jd_orders as orders
from connectors.platforms.jd_gateway import CHANNEL, ApiResult, JosGateway, Verdict
from connectors.shapes import Lenient
from connectors.vendor import Vendor
from domain.after_sales import ChannelAnswer
from domain.errors import Broken, Refused, Unparsable
from domain.fulfillment import PromiseNotice, ShipmentNotice
from domain.observations import CaseHinted, CaseObserved, OrderObserved
from domain.pulling import Page, PullRules, Roll, RollRules, Window
from domain.shops import Role, Shop, Token
from domain.stock_push import Batch, ListingKey, PushRules

LIST, DETAIL = "jingdong.pop.order.enSearch", "jingdong.pop.order.enGet"
SHIP, STOCK = "jingdong.pop.order.shipment", "jingdong.ware.stock.sku.set"
MAX_TOKEN_SECONDS = 10 * 366 * 86_400
PULL_RULES = PullRules(longest_seconds=86_400, lag_seconds=2.0)
"""A window may be a month, and shows 100 pages: a day keeps it well below. A second that is not over yet lets orders
in."""
ROLL_RULES = RollRules(longest_seconds=86_400, lag_seconds=2.0)
PUSH_RULES = PushRules(most=1, numbers=True)
CARRIER_IDS: Mapping[str, str] = {
    "YTO": "463", "EMS": "465", "SF": "467", "STO": "470", "YUNDA": "1327", "ZTO": "1499", "JD": "2087", "DBL": "3046",
    "DBKD": "3046",
}  # fmt: skip
"""Their numbers as third parties list them; the shop's `carriers` come first."""


class _NewToken(Lenient):
    access_token: Annotated[str, Field(min_length=1)]
    refresh_token: str = ""
    expires_in: Annotated[int, Field(ge=0, le=MAX_TOKEN_SECONDS)] = 0


class JdShop:
    """One shop at JD."""

    def __init__(self, shop: Shop, http: httpx.AsyncClient, clock: Clock) -> None:
        self._shop = shop
        self._clock = clock
        self._jos = JosGateway(shop, http, clock)

    async def pull(self, window: Window, cursor: str) -> Page:
        """Ask for one page of what changed; the first answer is page 1, and tells where to begin: at the last one."""
        page = shapes.page_of(cursor, orders.MAX_PAGES, CHANNEL) if cursor else 1
        listed, raw = await self._list(window, page, orders.BY_CHANGE)
        pages = -(-listed.orderTotal // orders.PAGE_SIZE)
        if pages > orders.MAX_PAGES:
            return Page((), raw, overfull=True)
        if not cursor and pages > 1:
            return Page((), raw, str(pages))
        rows = tuple(orders.read_row(told, window, self._shop) for told in listed.orderInfoList)
        return Page(rows, raw, str(page - 1) if page > 1 else "")

    async def roll(self, window: Window, cursor: str) -> Roll:
        """Ask for one page of the orders placed in a window; they do not move, so the pages are read as they come."""
        page = shapes.page_of(cursor, orders.MAX_PAGES, CHANNEL) if cursor else 1
        listed, raw = await self._list(window, page, orders.BY_CREATION)
        pages = -(-listed.orderTotal // orders.PAGE_SIZE)
        if pages > orders.MAX_PAGES:
            return Roll((), listed.orderTotal, raw, overfull=True)
        found = tuple(orders.rolled(told, window, self._shop) for told in listed.orderInfoList)
        return Roll(found, listed.orderTotal, raw, str(page + 1) if page < pages else "")

    async def _list(self, window: Window, page: int, by: str) -> tuple[orders.Listed, bytes]:
        ref = f"{window.start.isoformat()} {window.end.isoformat()} page {page}"
        params = orders.question(window, page, by, self._shop)
        answer, raw = await self._jos.ask(LIST, ref, params, orders.ListAnswer)
        answer.searchorderinfo_result.apiResult.check(f"{LIST} {ref}")
        return answer.searchorderinfo_result, raw

    async def read_order(self, no: str) -> tuple[OrderObserved, bytes]:
        """Ask for the whole order behind a hint; Broken when the answer cannot be read or is about another one."""
        told, raw = await self._order(no, no)
        try:
            seen = orders.read_order(told, self._shop)
        except Unparsable as error:
            raise Broken(f"{CHANNEL} about {no}: {error.reason}") from error
        if seen.no != no:
            raise Broken(f"{CHANNEL} answered about another order than {no}")
        return seen, raw

    async def _order(self, no: str, ref: str) -> tuple[dict[str, Any], bytes]:
        params = {"order_id": no, "optional_fields": orders.FIELDS}
        answer, raw = await self._jos.ask(DETAIL, ref, params, orders.DetailAnswer)
        answer.orderDetailInfo.apiResult.check(f"{DETAIL} {ref}")
        if answer.orderDetailInfo.orderInfo is None:
            raise Refused("no-order", f"{CHANNEL} shows no order {no}")
        return answer.orderDetailInfo.orderInfo, raw

    async def write_back(self, notice: ShipmentNotice) -> None:
        """Tell the parcel an order left in. A refusal is a success when the order has this waybill.

        So it is for a parcel with a part, once another one was told: the platform takes no second waybill.
        """
        params = {"orderId": notice.order_no, "logiCoprId": self._carrier(notice), "logiNo": notice.waybill_no}
        try:
            answer, _ = await self._jos.ask(SHIP, notice.key, params, Verdict)
            answer.check(f"{SHIP} {notice.key}")
        except Refused:
            told_before = await self._told(notice)
            if notice.waybill_no not in told_before and (notice.whole or not told_before):
                raise

    async def _told(self, notice: ShipmentNotice) -> set[str]:
        try:
            told, _ = await self._order(notice.order_no, notice.key)
        except Refused:
            return set()
        return shapes.checked(orders.Sent, told, f"{CHANNEL} about {notice.key}").waybills

    def _carrier(self, notice: ShipmentNotice) -> str:
        given = shapes.pairs(self._shop, "carriers", "SF=467,YTO=463")
        number = given.get(notice.carrier) or CARRIER_IDS.get(notice.carrier, "")
        if not number.isascii() or not number.isdigit():
            words = f"carrier {notice.carrier} has no number at jd ({notice.key}): set carriers of {self._shop.code}"
            raise Refused("carrier", words)
        return number

    async def tell_promise(self, notice: PromiseNotice) -> None:
        """Refused: the platform takes no promise from us; a person tells the buyer."""
        raise Refused("no-way", f"jd has no way to tell that {notice.order_no} leaves later")

    async def push_stock(self, batch: Batch) -> dict[ListingKey, Refused]:
        """Set the quantity of one SKU; it is named by its own number alone."""
        (level,) = batch
        ref = f"{level.variant_id or level.item_id} {level.sequence}"
        params = {"skuId": level.variant_id or level.item_id, "stockNum": str(level.quantity)}
        answer, _ = await self._jos.ask(STOCK, ref, params, Verdict)
        answer.check(f"{STOCK} {ref}")
        return {}

    async def pull_cases(self, window: Window, cursor: str) -> Page:
        """Ask for one page of hints: refunds by the moment of asking, then of review, then service bills.

        Each list is read from its last page to its first, as `pull` reads orders.
        """
        way, _, text = (cursor or cases.ASKED).partition(":")
        if way not in cases.WAYS:
            raise Broken("the cursor of a jd pull of cases names no list: begin the window anew")
        page = shapes.page_of(text, cases.MAX_PAGES, CHANNEL) if text else 1
        total, hints, raw = await self._case_page(window, way, page)
        pages = -(-total // cases.PAGE_SIZE)
        if pages > cases.MAX_PAGES:
            return Page((), raw, overfull=True)
        if not text and pages > 1:
            return Page((), raw, f"{way}:{pages}")
        after = (*self._ways(), "")[self._ways().index(way) + 1]
        return Page(hints, raw, f"{way}:{page - 1}" if page > 1 else after)

    def _ways(self) -> tuple[str, ...]:
        """Service bills are asked for in somebody's name: without one there are only refunds."""
        named = self._shop.params.get("operator") and self._shop.params.get("vender_id")
        return cases.WAYS if named else cases.WAYS[:2]

    async def _case_page(self, window: Window, way: str, page: int) -> tuple[int, tuple[CaseHinted, ...], bytes]:
        ref = f"cases {way} {window.start.isoformat()} page {page}"
        if way == cases.SERVED:
            params = cases.bills_question(window, page, self._shop)
            bills, raw = await self._jos.ask(cases.BILLS, ref, params, cases.BillsAnswer)
            found = tuple(cases.bill_hint(one, window, self._shop) for one in bills.pageResult.data)
            return bills.pageResult.totalCount, found, raw
        params = cases.refunds_question(window, way, page, self._shop)
        told, raw = await self._jos.ask(cases.REFUNDS, ref, params, cases.RefundsAnswer)
        ApiResult(success=told.queryResult.success).check(f"{cases.REFUNDS} {ref}")
        found = tuple(cases.refund_hint(one, window, self._shop) for one in told.queryResult.result)
        return told.queryResult.totalCount, found, raw

    async def read_case(self, case_no: str) -> tuple[CaseObserved, bytes]:
        """Ask for one case, and for what tells that its money moved; Broken when it is about another one."""
        return await (self._bill(case_no) if case_no.startswith("S") else self._refund(case_no))

    async def _refund(self, case_no: str) -> tuple[CaseObserved, bytes]:
        number = case_no.removeprefix("R")
        answer, raw = await self._jos.ask(cases.REFUND, case_no, {"id": number}, cases.RefundAnswer)
        refund = answer.refund
        if refund is None:
            raise Refused("no-case", f"{CHANNEL} shows no refund {case_no}")
        if refund.id != number:
            raise Broken(f"{CHANNEL} answered about another case than {case_no}")
        order, _ = await self._order(refund.orderId, case_no)
        is_cancelled = str(order.get("orderState")) in orders.NOTHING_LEFT
        return cases.observe_refund(refund, is_cancelled, self._clock(), self._shop), raw

    async def _bill(self, case_no: str) -> tuple[CaseObserved, bytes]:
        number = case_no.removeprefix("S")
        params = {**cases.operator(self._shop), "serviceId": number, "pageNumber": 1, "pageSize": cases.PAGE_SIZE}
        answer, raw = await self._jos.ask(cases.BILLS, case_no, params, cases.BillsAnswer)
        bill = next((one for one in answer.pageResult.data if one.serviceId == number), None)
        if bill is None:
            raise Refused("no-case", f"{CHANNEL} shows no service bill {case_no}")
        paid = 0
        if bill.serviceStatus == cases.DONE:
            told, _ = await self._jos.ask(cases.PAID_BACK, case_no, {"afsServiceId": number}, cases.PaidBackAnswer)
            paid = told.amount_minor
        return cases.observe_bill(bill, paid, self._clock(), self._shop), raw

    async def answer_case(self, told: ChannelAnswer) -> None:
        """Refused: no documented way leads there."""
        words = f"jd takes no {told.action.value} over its interface ({told.key})"
        raise Refused("no-way", f"{words}: answer it on the platform's own pages")

    async def renew(self) -> Token:
        """Ask for a new token with the refresh token; Refused sends the seller to authorise."""
        old = self._shop.token
        if old is None or not old.refresh:
            raise Refused("no-refresh-token", f"shop {self._shop.code} has none: have the seller authorise it again")
        raw = await self._jos.refreshed(old.refresh)
        try:
            new = _NewToken.model_validate_json(raw)
        except ValidationError as error:
            raise Broken(f"{CHANNEL} about the token of {self._shop.code}: {fields.explain(error)}") from error
        expires_at = self._clock() + timedelta(seconds=new.expires_in) if new.expires_in else None
        return Token(new.access_token, new.refresh_token or old.refresh, expires_at, old.version + 1)


VENDOR = Vendor(
    name=CHANNEL,
    role=Role.SALES,
    zone="Asia/Shanghai",
    currency="CNY",
    endpoint_url="the whole router URL, such as https://api.jd.com/routerjson",
    key_id="app key of our application at the platform",
    secret="app secret of our application at the platform",  # noqa: S106  (an explanation)
    inbound=None,
    optional_params={
        "carriers": "numbers of carriers at JD, such as SF=467,YTO=463; the usual ones are known",
        "vender_id": "the platform's number of the shop; with operator, service bills are pulled too",
        "operator": "the name under which service bills are asked for",
        "oauth_url": "where tokens are renewed, when not at open-oauth.jd.com (for JD) or the endpoint (elsewhere)",
        "order_states": "order states to ask for, separated by commas, when not all that are documented",
        "limit_codes": "error codes that mean too often, separated by commas",
        "token_codes": "error codes that mean that the access token is dead, separated by commas",
    },
    pull=PULL_RULES,
    stock=PUSH_RULES,
    cases=cases.PULL_RULES,
    roll=ROLL_RULES,
    asked_with="",
    # The quota of an application is not public.
    per_second=20.0,
    token="access_token and refresh_token of the seller's authorisation at open-oauth.jd.com",  # noqa: S106
    channel=JdShop,
    rolls=JdShop,
)
