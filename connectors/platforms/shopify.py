"""Calls to Shopify's Admin API: orders, write-back, cases, stock, what proves completeness, and the token.

Beside it: shopify_graphql.py speaks to the one address, shopify_orders.py reads orders, shopify_ship.py tells of
parcels, shopify_cases.py of returns, shopify_stock.py of quantities; shopify_push.py receives, shopify_sign.py signs.

Lists go by cursor, oldest change first: an order that changes while one reads moves behind what was read and is met
again, never missed. How many orders one question may cost is not documented for every plan: the size is a param. An
application without `read_all_orders` is shown the orders of the last 60 days only.
"""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any

import httpx
from pydantic import Field, ValidationError

from connectors import fields, overseas
from connectors.http import Call, Reply, send, unexplained
from connectors.outbound import Clock
from connectors.platforms import shopify_cases as cases
from connectors.platforms import shopify_orders as orders
from connectors.platforms import shopify_ship as ship
from connectors.platforms import shopify_stock as stock
from connectors.platforms.shopify_graphql import CHANNEL, PageInfo, Told, ask, checked, gid
from connectors.platforms.shopify_push import SHOP_DOMAIN, ShopifyInbound
from connectors.shapes import Lenient
from connectors.vendor import Vendor
from domain.after_sales import CaseAction, ChannelAnswer
from domain.errors import Broken, Refused, Unparsable
from domain.fulfillment import PromiseNotice, ShipmentNotice
from domain.observations import CaseObserved, ChannelStatus, OrderHinted, OrderObserved
from domain.pulling import Page, PullRules, Roll, Rolled, RollRules, Window
from domain.shops import Role, Shop, Token
from domain.stock_push import Batch, ListingKey

PAGE, MAX_PAGE = "page_size", 250
USUAL_PAGE = 25
LINES_IN_A_LIST, LINES_IN_DETAIL = 20, 250
ROLL_PAGE = 100
PULL_RULES = PullRules(longest_seconds=86_400)
ROLL_RULES = RollRules(longest_seconds=86_400)
"""The platform names no longest window: a day, so that after an outage the watermark moves on in steps."""
EXACT = "EXACT"

LIST = f"""
query Orders($first: Int!, $after: String, $query: String!, $lines: Int!) {{
  orders(first: $first, after: $after, query: $query, sortKey: UPDATED_AT) {{
    nodes {{ ...Whole }}
    pageInfo {{ hasNextPage endCursor }}
  }}
}}
{orders.ORDER_FIELDS}"""
DETAIL = f"""
query Order($id: ID!, $lines: Int!) {{ order(id: $id) {{ ...Whole }} }}
{orders.ORDER_FIELDS}"""
MORE_LINES = f"""
query Lines($id: ID!, $lines: Int!, $after: String) {{
  order(id: $id) {{
    lineItems(first: $lines, after: $after) {{ nodes {{ ...Line }} pageInfo {{ hasNextPage endCursor }} }}
  }}
}}
{orders.LINE_FIELDS}"""
ROLL = f"""
query Roll($first: Int!, $after: String, $query: String!) {{
  orders(first: $first, after: $after, query: $query, sortKey: CREATED_AT) {{
    nodes {{ ...Status }}
    pageInfo {{ hasNextPage endCursor }}
  }}
  ordersCount(query: $query, limit: null) {{ count precision }}
}}
{orders.STATUS_FIELDS}"""


class _Orders(Lenient):
    nodes: Annotated[tuple[dict[str, Any], ...], Field(max_length=MAX_PAGE)] = ()
    page: PageInfo = Field(default=PageInfo(), alias="pageInfo")


class _Named(Lenient):
    number: orders.Number = Field(alias="legacyResourceId")
    updated: str = Field(default="", alias="updatedAt")


class _Rolled(Lenient):
    nodes: Annotated[tuple[orders.Status, ...], Field(max_length=MAX_PAGE)] = ()
    page: PageInfo = Field(default=PageInfo(), alias="pageInfo")


class _Count(Lenient):
    count: Annotated[int, Field(ge=0)]
    precision: str = ""


class _NewToken(Lenient):
    access_token: Annotated[str, Field(min_length=1)]
    refresh_token: str = ""
    expires_in: Annotated[int, Field(ge=0, le=10**9)] = 0


class _TokenError(Lenient):
    error: str = ""
    error_description: str = ""


class ShopifyShop:
    """One shop on the platform; `endpoint_url` is its own address, without a path."""

    def __init__(self, shop: Shop, http: httpx.AsyncClient, clock: Clock) -> None:
        self._shop = shop
        self._http = http
        self._clock = clock

    async def write_back(self, notice: ShipmentNotice) -> None:
        """Tell that a parcel left: what the platform does not know of it yet, one call for each location."""
        told = await self._ask(ship.QUESTION, {"id": gid("Order", notice.order_no)}, notice.key)
        if told.data.get("order") is None:
            raise Refused("no-order", f"{CHANNEL} has no order {notice.order_no}")
        for variables in ship.calls(told.read(ship.ToShip, "order"), notice, self._shop):
            done = await self._ask(ship.CREATE, variables, notice.key)
            done.read(ship.Created, "fulfillmentCreate").check(notice.key)

    async def tell_promise(self, notice: PromiseNotice) -> None:
        """Refused: the platform takes no promise from us; a person tells the buyer."""
        raise Refused("no-way", f"{CHANNEL} has no way to tell that {notice.order_no} leaves later")

    async def read_order(self, no: str) -> tuple[OrderObserved, bytes]:
        """Ask for the whole order behind a hint, with all of its lines; the body is that of the first answer."""
        told = await self._ask(DETAIL, {"id": gid("Order", no), "lines": LINES_IN_DETAIL}, no)
        whole = told.data.get("order")
        if not isinstance(whole, dict):
            raise Refused("no-order", f"{CHANNEL} has no order {no}, or shows it no longer")
        try:
            seen = orders.read_order(await self._with_lines(whole, no), self._shop)
        except Unparsable as error:
            raise Broken(f"{CHANNEL} about {no}: {error.reason}") from error
        if seen.no != no:
            raise Broken(f"{CHANNEL} answered about another order than {no}")
        return seen, told.raw

    async def _with_lines(self, order: Mapping[str, Any], no: str) -> Mapping[str, Any]:
        """Complete an order of more lines than one answer holds."""
        cursor = orders.more_lines(order)
        if not cursor:
            return order
        nodes = list(order["lineItems"]["nodes"])
        while cursor and len(nodes) < orders.MAX_LINES:
            variables = {"id": gid("Order", no), "lines": LINES_IN_DETAIL, "after": cursor}
            told = await self._ask(MORE_LINES, variables, f"the lines of {no}")
            page = told.read(_Lines, "order").lines
            nodes, cursor = [*nodes, *page.nodes], page.page.cursor
        return {**order, "lineItems": {"nodes": nodes}}

    async def pull(self, window: Window, cursor: str) -> Page:
        """Ask for one page of the orders that changed in a window, oldest change first."""
        variables = {
            "first": self._page_size(),
            "after": cursor or None,
            "query": _between("updated_at", window),
            "lines": LINES_IN_A_LIST,
        }
        told = await self._ask(LIST, variables, f"orders {window.start.isoformat()}")
        listed = told.read(_Orders, "orders")
        rows = tuple(self._row(one, window, told.ref) for one in listed.nodes)
        return Page(rows, told.raw, listed.page.cursor)

    def _row(self, told: Mapping[str, Any], window: Window, ref: str) -> OrderObserved | OrderHinted:
        """Read a row; one that cannot be read, or has more lines than a list shows, is asked for alone."""
        try:
            if not orders.more_lines(told):
                return orders.read_order(told, self._shop)
        except Unparsable:
            pass
        row = checked(_Named, told, ref)
        try:
            changed = fields.offset_time(row.updated)
        except ValueError:
            changed = window.end
        return OrderHinted(CHANNEL, self._shop.code, row.number, ChannelStatus.UNMAPPED, changed)

    def _page_size(self) -> int:
        text = self._shop.params.get(PAGE, "") or str(USUAL_PAGE)
        if not (text.isascii() and text.isdigit() and 1 <= int(text) <= MAX_PAGE):
            raise Broken(f"shop {self._shop.code} ({CHANNEL}): {PAGE} is not a number from 1 to {MAX_PAGE}: mend it")
        return int(text)

    async def roll(self, window: Window, cursor: str) -> Roll:
        """Ask for one page of the orders placed in a window, by number, and how many there are."""
        variables = {"first": ROLL_PAGE, "after": cursor or None, "query": _between("created_at", window)}
        told = await self._ask(ROLL, variables, f"placed {window.start.isoformat()}")
        listed, counted = told.read(_Rolled, "orders"), told.read(_Count, "ordersCount")
        try:
            rolled = tuple(Rolled(one.number, one.raw, fields.offset_time(one.created)) for one in listed.nodes)
        except ValueError as error:
            raise Broken(f"{CHANNEL} about {told.ref}: createdAt is {error}") from error
        total = counted.count if counted.precision == EXACT else None
        return Roll(rolled, total, told.raw, listed.page.cursor)

    async def pull_cases(self, window: Window, cursor: str) -> Page:
        """Ask for one page of the orders with returns that changed in a window, and give their returns."""
        variables = {"first": cases.PAGE_SIZE, "after": cursor or None, "query": cases.question(window)}
        told = await self._ask(cases.LIST, variables, f"cases {window.start.isoformat()}")
        listed = told.read(cases.Page, "orders")
        rows = tuple(cases.read_row(one, window, self._shop) for order in listed.nodes for one in order.returns.nodes)
        return Page(rows, told.raw, listed.page.cursor)

    async def read_case(self, case_no: str) -> tuple[CaseObserved, bytes]:
        """Ask for one return; Broken when it cannot be read or says what nobody knows."""
        case, raw = await self._case(case_no)
        return cases.observe(case, self._shop), raw

    async def _case(self, case_no: str) -> tuple[cases.Case, bytes]:
        told = await self._ask(cases.DETAIL, {"id": gid("Return", case_no)}, f"case {case_no}")
        if told.data.get("return") is None:
            raise Refused("no-case", f"{CHANNEL} has no return {case_no}, or shows it no longer")
        case = told.read(cases.Case, "return")
        if case.id != gid("Return", case_no):
            raise Broken(f"{CHANNEL} answered about another case than {case_no}")
        return case, told.raw

    async def answer_case(self, answer: ChannelAnswer) -> None:
        """Tell what we decide. A refusal is a success when the case shows that it has had this answer."""
        if answer.action is CaseAction.SHIPPED:
            words = f"{CHANNEL} is not told that an exchange left ({answer.key}): see to it on the platform's own pages"
            raise Refused("no-way", words)
        try:
            await self._answer(answer)
        except Refused:
            seen, _ = await self.read_case(answer.case_no)
            if seen.state not in cases.ANSWERED[answer.action]:
                raise

    async def _answer(self, answer: ChannelAnswer) -> None:
        global_id = gid("Return", answer.case_no)
        if answer.action is CaseAction.REFUSE:
            await self._change(cases.DECLINE, cases.decline(answer, global_id), "returnDeclineRequest", answer)
            return
        case, _ = await self._case(answer.case_no)
        paying = answer.action is CaseAction.AGREE_REFUND
        if paying and case.paid_minor:
            return
        if not paying or case.status == "REQUESTED":
            await self._change(cases.APPROVE, {"input": {"id": global_id}}, "returnApproveRequest", answer)
        if paying:
            await self._pay_back(case, answer)

    async def _pay_back(self, case: cases.Case, answer: ChannelAnswer) -> None:
        told = await self._ask(cases.PAYMENTS, {"id": gid("Order", case.order.number)}, answer.key)
        units = case.unprocessed()
        if not units:
            raise Refused("processed", f"its goods were dealt with already, without a refund ({answer.key})")
        parts = told.read(cases.Payments, "order").parts(answer.amount_minor, answer.key)
        refund = {"issueRefund": {"orderTransactions": parts}}
        said = {"returnId": case.id, "returnLineItems": units, "financialTransfer": refund}
        await self._change(cases.PROCESS, {"input": said}, "returnProcess", answer)

    async def _change(self, query: str, variables: Mapping[str, Any], name: str, answer: ChannelAnswer) -> None:
        told = await self._ask(query, variables, answer.key)
        told.read(cases.Answered, name).check(answer.key)

    async def push_stock(self, batch: Batch) -> dict[ListingKey, Refused]:
        """Set quantities at the shop's location: all that there is, or Refused for all because of one."""
        ref = f"stock {batch[0].variant_id} {batch[0].sequence}"
        told = await self._ask(stock.ITEMS, stock.variants(batch), ref)
        items = checked(stock.Items, told.data, ref).by_variant()
        known = [level for level in batch if level.variant_id in items]
        if known:
            variables = stock.quantities(self._shop, known, items)
            done = await self._ask(stock.SET, variables, ref)
            done.read(stock.Set, "inventorySetQuantities").check(ref)
        return stock.gone([level for level in batch if level.variant_id not in items])

    async def renew(self) -> Token:
        """Ask for a new token: with the refresh token, or for an application of the shop's own with its keys.

        Refused when that is not taken: the shop has to be authorised anew.
        """
        refresh = self._shop.token.refresh if self._shop.token else ""
        keys = {"client_id": self._shop.key_id, "client_secret": fields.current_secret(self._shop)}
        grant = {"grant_type": "refresh_token", "refresh_token": refresh}
        asked = {**keys, **(grant if refresh else {"grant_type": "client_credentials"})}
        url = f"{self._shop.endpoint_url.rstrip('/')}/admin/oauth/access_token"
        headers = {"content-type": "application/json", "accept": "application/json"}
        call = Call(CHANNEL, f"the token of {self._shop.code}", url, json.dumps(asked).encode(), headers)
        reply = await send(self._http, call)
        if not reply.is_success:
            raise _token_refused(call, reply)
        try:
            told = _NewToken.model_validate_json(reply.body)
        except ValidationError as error:
            raise unexplained(call, reply) from error
        expires_at = self._clock() + timedelta(seconds=told.expires_in) if told.expires_in else None
        version = self._shop.token.version if self._shop.token else 0
        return Token(told.access_token, told.refresh_token, expires_at, version + 1)

    async def _ask(self, query: str, variables: Mapping[str, Any], ref: str) -> Told:
        return await ask(self._http, self._shop, query, variables, ref)


class _Lines(Lenient):
    lines: orders.Lines = Field(alias="lineItems")


def _between(field: str, window: Window) -> str:
    start, end = (f"{moment:%Y-%m-%dT%H:%M:%SZ}" for moment in (window.start, window.end))
    return f"{field}:>='{start}' AND {field}:<='{end}'"


def _token_refused(call: Call, reply: Reply) -> Refused | Broken:
    try:
        told = _TokenError.model_validate_json(reply.body)
    except ValidationError:
        return unexplained(call, reply)
    words = fields.vendor_text(told.error_description or told.error) or "no reason given"
    return Refused(fields.vendor_text(told.error) or "token", f"{words}: authorise the shop anew")


VENDOR = Vendor(
    name=CHANNEL,
    role=Role.SALES,
    zone="UTC",
    currency="USD",
    endpoint_url="the shop's own address without a path, such as https://my-shop.myshopify.com",
    key_id="client id of our application at the platform",
    secret="client secret of our application at the platform; its pushes are signed with it",  # noqa: S106  (words)
    inbound=ShopifyInbound,
    asked_with="",
    optional_params={
        SHOP_DOMAIN: "the shop's myshopify.com domain: refuses pushes of others",
        stock.LOCATION: "number of the location whose stock is told; without it no stock is told",
        PAGE: f"how many orders one question lists, 1 to {MAX_PAGE}, usually {USUAL_PAGE}: fewer if it costs too much",
        ship.NOTIFY: "`yes`: the platform tells the buyer of every parcel",
        overseas.CARRIERS: overseas.CARRIERS_HELP,
    },
    pull=PULL_RULES,
    stock=stock.PUSH_RULES,
    stock_with=stock.LOCATION,
    cases=cases.PULL_RULES,
    roll=ROLL_RULES,
    token="from the authorisation of the application; one of the shop's own gets it with its keys",  # noqa: S106  (words)
    per_second=10.0,
    channel=ShopifyShop,
    rolls=ShopifyShop,
)
