"""Taobao and Tmall shops: pulling, re-reading, telling shipments, answering cases, renewing the token.

Nothing is pushed over HTTP: changes are pulled, or hinted at by messages (taobao_queue.py), and each is read in full.
The list shows only what it is asked for,
tid, status and modified, and is read from its last page to its first: a trade that changes meanwhile leaves the window,
and those behind it move towards the first page, where they are still to be read.
Source: the platform's API metadata, as open SDKs carry it. Nothing was tried against the platform yet.
"""

from datetime import timedelta
from typing import Annotated

import httpx
from pydantic import Field, ValidationError, field_validator

from connectors import fields
from connectors.outbound import Clock
from connectors.platforms import taobao_cases as cases
from connectors.platforms import taobao_orders as orders
from connectors.platforms import taobao_queue as queue
from connectors.platforms import taobao_roll
from connectors.platforms.taobao_top import Lenient, Question, TopGateway
from connectors.vendor import Vendor
from domain.after_sales import CaseAction, ChannelAnswer
from domain.errors import Broken, Refused, TokenRejected
from domain.fulfillment import PromiseNotice, ShipmentNotice
from domain.observations import CaseObserved, OrderObserved
from domain.pulling import Page, PullRules, Window
from domain.shops import Role, Shop, Token
from domain.stock_push import Batch, ListingKey, PushRules

QUANTITY, QUANTITIES = "taobao.item.quantity.update", "taobao.skus.quantity.update"
ABSOLUTE = "1"
LIST, DETAIL, REFUND = "taobao.trades.sold.increment.get", "taobao.trade.fullinfo.get", "taobao.refund.get"
SEND, RENEW = "taobao.logistics.online.send", "taobao.top.auth.token.refresh"
CARRIERS = "carriers"
MAX_PAGES = 500
"""A window with more is asked for in halves."""
MAX_TOKEN_SECONDS = 10 * 366 * 86_400

PULL_RULES = PullRules(longest_seconds=86_400.0 - 60.0, lag_seconds=2.0)
"""A window may be a day; a minute less, for clocks differ. It ends two seconds ago: a second that is not over yet
would let trades in at the first page, and push others to pages that were read before."""

PUSH_RULES = PushRules(most=20, one_item=True, numbers=True)

# "In a state that cannot be shipped: sent already, or closed." Both codes are in open clients, not in the official
# metadata; they only raise the question whether our waybill is the one that was sent.
_MAYBE_SENT_CODES = ("logistics-online-service-error:B04", "logistics-online-service-error:B27")
_MAYBE_SENT_WORDS = ("已发货", "已经发货", "重复发货")


class _Shipping(Lenient):
    is_success: bool = False


class _SendAnswer(Lenient):
    shipping: _Shipping


class _RenewAnswer(Lenient):
    token_result: str


class _TokenResult(Lenient):
    """`re_expires_in`, the life of the refresh token, is there too; it says nothing that a refusal does not."""

    access_token: Annotated[str, Field(min_length=1)]
    refresh_token: str = ""
    expires_in: Annotated[int, Field(ge=0, le=MAX_TOKEN_SECONDS)] = 0


class _Counted(Lenient):
    sku_id: Annotated[str, Field(min_length=1)]


class _CountedSkus(Lenient):
    sku: tuple[_Counted, ...] = ()


class _CountedItem(Lenient):
    """An item whose quantities were set; the platform says which variants it has set."""

    num_iid: Annotated[str, Field(min_length=1)]
    skus: _CountedSkus = _CountedSkus()

    @field_validator("skus", mode="before")
    @classmethod
    def _nothing_is_empty(cls, value: object) -> object:
        return value or {}


class _QuantityAnswer(Lenient):
    item: _CountedItem


class TaobaoShop:
    """One shop at Taobao or Tmall."""

    def __init__(self, shop: Shop, http: httpx.AsyncClient, clock: Clock) -> None:
        self._shop = shop
        self._clock = clock
        self._top = TopGateway(shop, http, clock)

    async def pull(self, window: Window, cursor: str) -> Page:
        """Ask for a page of hints; the cursor is its number, and empty at first, when the pages are counted.

        The counting answer is page 1 and is kept too; more pages are then read from the last back to page 1 again.
        """
        if not cursor:
            page, raw = await self._list(window, 1, count=True)
            pages = -(-page.total_results // orders.PAGE_SIZE)
            if pages > MAX_PAGES:
                return Page((), raw, overfull=True)
            return Page(tuple(orders.hints(page, self._shop)), raw, str(pages) if pages > 1 else "")
        number = _page_number(cursor)
        page, raw = await self._list(window, number, count=False)
        return Page(tuple(orders.hints(page, self._shop)), raw, str(number - 1) if number > 1 else "")

    async def _list(self, window: Window, number: int, count: bool) -> tuple[orders.TradePage, bytes]:
        params = {
            "fields": orders.ROW_FIELDS,
            "start_modified": fields.show_local(window.start, self._shop.tz),
            "end_modified": fields.show_local(window.end, self._shop.tz),
            "page_no": str(number),
            "page_size": str(orders.PAGE_SIZE),
            # Counting is slow there: only the first answer counts.
            "use_has_next": "false" if count else "true",
        }
        ref = f"list {window.start.isoformat()} {window.end.isoformat()} page {number}"
        return await self._top.ask(Question(LIST, ref, params), orders.TradePage)

    async def pull_cases(self, window: Window, cursor: str) -> Page:
        """Ask for a page of hints at refunds that changed, in the order in which `pull` reads trades."""
        number = _page_number(cursor) if cursor else 1
        params = cases.list_params(window, number, count=not cursor, shop=self._shop)
        ref = f"cases {window.start.isoformat()} {window.end.isoformat()} page {number}"
        page, raw = await self._top.ask(Question(cases.LIST, ref, params), cases.RefundPage)
        rows = cases.hints(page, self._shop)
        if cursor:
            return Page(rows, raw, str(number - 1) if number > 1 else "")
        pages = -(-page.total_results // cases.PAGE_SIZE)
        if pages > MAX_PAGES:
            return Page((), raw, overfull=True)
        return Page(rows, raw, str(pages) if pages > 1 else "")

    async def read_case(self, case_no: str) -> tuple[CaseObserved, bytes]:
        """Ask for one refund; Broken when it is about another one, or says what nobody knows here."""
        refund, raw = await self._case(case_no)
        return cases.observe(refund, case_no, self._shop), raw

    async def _case(self, case_no: str) -> tuple[cases.Refund, bytes]:
        params = {"fields": cases.CASE_FIELDS, "refund_id": case_no}
        answer, raw = await self._top.ask(Question(cases.DETAIL, f"case {case_no}", params), cases.RefundAnswer)
        return answer.refund, raw

    async def answer_case(self, told: ChannelAnswer) -> None:
        """Tell what we decide about the refund as it is now. A refusal is a success when the refund shows the answer.

        Refused when the buyer wants another amount by now than was granted: its own case says which.
        """
        refund, _ = await self._case(told.case_no)
        if cases.observe(refund, told.case_no, self._shop).state in cases.ANSWERED[told.action]:
            return
        if told.action is CaseAction.AGREE_REFUND and refund.refund_fee != told.amount_minor:
            wants = f"the buyer wants {refund.refund_fee} fen by now, {told.amount_minor} were granted"
            raise Refused("another-amount", f"{wants} ({told.key}): agree or refuse on the platform's own pages")
        try:
            answer, _ = await self._top.ask(cases.answer_call(told, refund), cases.Answered)
            answer.check(told)
        except Refused:
            seen, _ = await self.read_case(told.case_no)
            if seen.state not in cases.ANSWERED[told.action]:
                raise

    async def tell_promise(self, notice: PromiseNotice) -> None:
        """Refused: the platform takes no promise from us; a person tells the buyer."""
        raise Refused("no-way", f"taobao has no way to tell that {notice.order_no} leaves later")

    async def read_order(self, no: str) -> tuple[OrderObserved, bytes]:
        """Ask for a trade, and for the refunds of its lines one after the other; the body is the trade's.

        Refused when the platform does not know it, Broken for a trade that does not add up.
        """
        params = {"fields": orders.ORDER_FIELDS, "tid": no, "include_oaid": "true"}
        answer, raw = await self._top.ask(Question(DETAIL, f"read {no}", params), orders.TradeAnswer)
        refunded = [await self._refunded(no, refund_id) for refund_id in orders.refunds_of(answer.trade, no)]
        return orders.observe(answer.trade, no, self._shop, sum(refunded)), raw

    async def _refunded(self, no: str, refund_id: str) -> int:
        params = {"fields": orders.REFUND_FIELDS, "refund_id": refund_id}
        answer, _ = await self._top.ask(Question(REFUND, f"refund {refund_id} of {no}", params), orders.RefundAnswer)
        if answer.refund.refund_id != refund_id:
            raise Broken(f"taobao answered about another refund than {refund_id}")
        return answer.refund.refund_fee if answer.refund.status == orders.REFUNDED else 0

    async def write_back(self, notice: ShipmentNotice) -> None:
        """Tell a parcel. A repeat is refused there; it is a success here once the lines show our waybill.

        Parts go by line, one waybill each: of a line that travels in two parcels only the first is told.
        """
        if notice.lines and not _line_nos(notice):
            return
        params = {
            "tid": notice.order_no,
            "company_code": self._carrier(notice.carrier),
            "out_sid": notice.waybill_no,
        }
        if not notice.whole:
            params |= {"is_split": "1", "sub_tid": ",".join(_line_nos(notice))}
        try:
            answer, _ = await self._top.ask(Question(SEND, notice.key, params), _SendAnswer)
        except Refused as error:
            if _may_be_sent(error) and await self._is_sent(notice):
                return
            raise
        if not answer.shipping.is_success:
            raise Refused("not-sent", f"taobao gave no reason ({notice.key})")

    async def _is_sent(self, notice: ShipmentNotice) -> bool:
        params = {"fields": "tid,orders", "tid": notice.order_no}
        answer, _ = await self._top.ask(Question(DETAIL, f"sent {notice.key}", params), orders.SentAnswer)
        waybills = answer.waybills()
        told = [waybills.get(line_no) for line_no in _line_nos(notice)]
        return bool(told) and all(waybill == notice.waybill_no for waybill in told)

    def _carrier(self, carrier: str) -> str:
        """Name the carrier as Taobao does: our words are the warehouse standard's and mostly the same."""
        pairs = [pair.partition("=") for pair in self._shop.params.get(CARRIERS, "").split(",") if pair.strip()]
        if any(not ours.strip() or not theirs.strip() for ours, _, theirs in pairs):
            raise Broken(f"shop {self._shop.code} (taobao): {CARRIERS} is not OURS=THEIRS,OURS=THEIRS: set it anew")
        return {ours.strip(): theirs.strip() for ours, _, theirs in pairs}.get(carrier, carrier)

    async def push_stock(self, batch: Batch) -> dict[ListingKey, Refused]:
        """Set the quantities of one item, or of its variants; a variant that the answer leaves out is refused."""
        item, ref = batch[0].item_id, f"stock {batch[0].item_id} {batch[0].sequence}"
        params = {"num_iid": item, "type": ABSOLUTE}
        if batch[0].variant_id:
            pairs = ";".join(f"{level.variant_id}:{level.quantity}" for level in batch)
            question = Question(QUANTITIES, ref, params | {"skuid_quantities": pairs})
        else:
            question = Question(QUANTITY, ref, params | {"quantity": str(batch[0].quantity)})
        answer, _ = await self._top.ask(question, _QuantityAnswer)
        if answer.item.num_iid != item:
            raise Broken(f"taobao answered about another item than {item}")
        done = {one.sku_id for one in answer.item.skus.sku}
        left_out = [level for level in batch if level.variant_id and done and level.variant_id not in done]
        return {level.key: Refused("not-set", f"taobao did not set variant {level.variant_id}") for level in left_out}

    async def renew(self) -> Token:
        """Ask for a new token. Only shops of subscribed applications can; Refused sends the seller to authorise."""
        old = self._shop.token
        if old is None or not old.refresh:
            raise Refused("no-refresh-token", f"shop {self._shop.code} has none: have the seller authorise it again")
        question = Question(RENEW, f"token of {self._shop.code}", {"refresh_token": old.refresh}, with_session=False)
        try:
            answer, _ = await self._top.ask(question, _RenewAnswer)
        except TokenRejected as error:
            raise Refused("refresh-token", error.reason) from error
        new = _read_token(answer.token_result, self._shop)
        expires_at = self._clock() + timedelta(seconds=new.expires_in) if new.expires_in else None
        return Token(new.access_token, new.refresh_token or old.refresh, expires_at, old.version + 1)


def _page_number(cursor: str) -> int:
    number = int(cursor) if len(cursor) < 9 and cursor.isascii() and cursor.isdigit() else 0
    if not 1 <= number <= MAX_PAGES:
        raise Broken(f"the cursor of a taobao pull is no page from 1 to {MAX_PAGES}: begin the window anew")
    return number


def _line_nos(notice: ShipmentNotice) -> tuple[str, ...]:
    """The lines to tell: what an earlier parcel told of already takes no second waybill."""
    return tuple(dict.fromkeys(line.line_no for line in notice.lines if line.line_no not in notice.again))


def _may_be_sent(error: Refused) -> bool:
    return error.code.endswith(_MAYBE_SENT_CODES) or any(word in error.reason for word in _MAYBE_SENT_WORDS)


def _read_token(text: str, shop: Shop) -> _TokenResult:
    try:
        return _TokenResult.model_validate_json(text)
    except ValidationError as error:
        raise Broken(f"taobao about the token of {shop.code}: {fields.explain(error)}") from error


VENDOR = Vendor(
    name="taobao",
    role=Role.SALES,
    zone="Asia/Shanghai",
    currency="CNY",
    endpoint_url="the whole router URL, such as https://eco.taobao.com/router/rest",
    key_id="app_key of our application at the platform",
    secret="app secret of our application at the platform",  # noqa: S106  (an explanation)
    inbound=None,
    optional_params={
        "sign_method": "md5 (default), hmac or hmac-sha256",
        "carriers": "carriers that Taobao names otherwise, OURS=THEIRS,OURS=THEIRS",
        queue.GROUP: "group of our application whose messages (TMC) are taken, such as default",
        queue.SELLER: "with tmc_group: the shop's number, taobao_user_id of its authorisation",
        queue.CHOSEN: "topics of messages, A,B, where the application subscribed to some of ours only",
    },
    faults=queue.faults,
    pull=PULL_RULES,
    stock=PUSH_RULES,
    cases=PULL_RULES,
    asked_with="",
    per_second=50.0,
    token="access_token and refresh_token of the seller's authorisation at oauth.taobao.com",  # noqa: S106
    channel=TaobaoShop,
    roll=taobao_roll.RULES,
    rolls=taobao_roll.TaobaoRoll,
    queue=queue.TaobaoQueue,
    reads=queue.read_kept,
    queue_with=queue.GROUP,
)
