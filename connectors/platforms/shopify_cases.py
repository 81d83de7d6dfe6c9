"""After-sales cases of Shopify: the returns of its orders. Owns their states, the questions, and the answers.

A case is a return; money that a person gives back on the platform's pages without one is no case, only a sum of its
order. There is no list of returns: the orders that changed and have any are listed, and their returns read.

States and fields are of the platform's own schema. What a buyer wants is the price of the lines after all discounts;
what the case got is the sum of its refunds. A return whose money moved is `PAID` whatever its state says. Paying back
goes through `returnProcess`, out of the sales and captures that still hold money, oldest first; it takes the quantities
that were not processed yet, and a second time there are none: it cannot pay twice. Only orders whose buyer paid in the
shop's own currency are paid back here. A return carries no waybill of the buyer's in what we ask.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, ValidationError

from connectors import fields, overseas
from connectors.platforms.shopify_graphql import CHANNEL, Changed, PageInfo, checked, number_of
from connectors.platforms.shopify_orders import SUCCESS, TOOK_MONEY, Bag, Number
from connectors.shapes import Lenient
from domain.after_sales import CaseAction, CaseKind, ChannelAnswer
from domain.errors import Broken, Refused, Unparsable
from domain.observations import CaseHinted, CaseLineObserved, CaseObserved, ChannelCaseState
from domain.pulling import PullRules, Window
from domain.shops import Shop

PULL_RULES = PullRules(longest_seconds=86_400)
PAGE_SIZE = 20
MAX_RETURNS, MAX_LINES, MAX_WORDS, MAX_NOTE = 20, 50, 500, 500
REFUND = "REFUND"
OTHER = "OTHER"
"""Why a return is declined: the platform takes one of three words, and ours stand in the note."""

_S = ChannelCaseState
STATES: Mapping[str, ChannelCaseState] = {
    "REQUESTED": _S.ASKED,
    "OPEN": _S.AWAITS_GOODS,
    "CLOSED": _S.CLOSED,
    "DECLINED": _S.REFUSED,
    "CANCELED": _S.CLOSED,
}
_A = CaseAction
ANSWERED: Mapping[CaseAction, frozenset[ChannelCaseState]] = {
    _A.AGREE_RETURN: frozenset({_S.AWAITS_GOODS, _S.SENT, _S.PAID}),
    _A.AGREE_REFUND: frozenset({_S.PAID}),
    _A.REFUSE: frozenset({_S.REFUSED}),
}
"""States in which a case has had this answer already."""

_RETURN = """
fragment Return on Return {
  id status createdAt requestApprovedAt closedAt
  order { legacyResourceId updatedAt }
  exchangeLineItems(first: 1) { nodes { id } }
  returnLineItems(first: 50) {
    nodes {
      id quantity
      ... on ReturnLineItem {
        unprocessedQuantity customerNote
        withCodeDiscountedTotalPriceSet { ...Money }
        fulfillmentLineItem { lineItem { id } }
      }
    }
    pageInfo { hasNextPage endCursor }
  }
  refunds(first: 20) { nodes { totalRefundedSet { ...Money } } }
}
fragment Money on MoneyBag { shopMoney { amount currencyCode } }
"""
LIST = f"""
query Cases($first: Int!, $after: String, $query: String!) {{
  orders(first: $first, after: $after, query: $query, sortKey: UPDATED_AT) {{
    nodes {{ legacyResourceId updatedAt returns(first: 20) {{ nodes {{ ...Return }} }} }}
    pageInfo {{ hasNextPage endCursor }}
  }}
}}
{_RETURN}"""
DETAIL = f"""
query Case($id: ID!) {{ return(id: $id) {{ ...Return }} }}
{_RETURN}"""
PAYMENTS = """
query Payments($id: ID!) {
  order(id: $id) {
    currencyCode presentmentCurrencyCode
    transactions(first: 100) { id kind status amountSet { shopMoney { amount currencyCode } } parentTransaction { id } }
  }
}
"""
APPROVE = """
mutation Approve($input: ReturnApproveRequestInput!) {
  returnApproveRequest(input: $input) { userErrors { code field message } }
}
"""
DECLINE = """
mutation Decline($input: ReturnDeclineRequestInput!) {
  returnDeclineRequest(input: $input) { userErrors { code field message } }
}
"""
PROCESS = """
mutation Process($input: ReturnProcessInput!) {
  returnProcess(input: $input) { userErrors { code field message } }
}
"""


class _Named(Lenient):
    id: str = ""


class _Sold(Lenient):
    line: _Named = Field(alias="lineItem")


class _Line(Lenient):
    id: str
    quantity: Annotated[int, Field(ge=0, le=9_999)]
    left: Annotated[int, Field(ge=0, le=9_999, alias="unprocessedQuantity")] = 0
    note: str = Field(default="", alias="customerNote")
    price: Bag | None = Field(default=None, alias="withCodeDiscountedTotalPriceSet")
    sold: _Sold | None = Field(default=None, alias="fulfillmentLineItem")


class _LinesOf(Lenient):
    nodes: Annotated[tuple[_Line, ...], Field(max_length=MAX_LINES)] = ()


class _Refund(Lenient):
    total: Bag = Field(alias="totalRefundedSet")


class _Refunds(Lenient):
    nodes: tuple[_Refund, ...] = ()


class _Exchanges(Lenient):
    nodes: tuple[_Named, ...] = ()


class _Order(Lenient):
    number: Number = Field(alias="legacyResourceId")
    updated: str = Field(alias="updatedAt")


class Case(Lenient):
    """One return in full."""

    id: Annotated[str, Field(pattern=r"/[0-9]{1,30}$")]
    status: str
    order: _Order
    exchanges: _Exchanges = Field(default=_Exchanges(), alias="exchangeLineItems")
    lines: _LinesOf = Field(default=_LinesOf(), alias="returnLineItems")
    refunds: _Refunds = _Refunds()

    @property
    def paid_minor(self) -> int:
        """Say what went back for it, in minor units."""
        return sum(one.total.minor("totalRefundedSet") for one in self.refunds.nodes)

    def unprocessed(self) -> list[dict[str, Any]]:
        """Name the units that nobody has dealt with yet."""
        return [{"id": line.id, "quantity": line.left} for line in self.lines.nodes if line.left]


class _Returns(Lenient):
    nodes: Annotated[tuple[dict[str, Any], ...], Field(max_length=MAX_RETURNS)] = ()


class _Listed(Lenient):
    returns: _Returns = _Returns()


class Page(Lenient):
    """Orders with their returns."""

    nodes: Annotated[tuple[_Listed, ...], Field(max_length=PAGE_SIZE)] = ()
    page: PageInfo = Field(default=PageInfo(), alias="pageInfo")


class _Transaction(Lenient):
    id: str
    kind: str = ""
    status: str = ""
    amount: Bag = Field(alias="amountSet")
    parent: _Named = Field(default=_Named(), alias="parentTransaction")


class Payments(Lenient):
    """Where an order's money is."""

    currency: str = Field(alias="currencyCode")
    shown: str = Field(alias="presentmentCurrencyCode")
    transactions: tuple[_Transaction, ...] = ()

    def parts(self, amount_minor: int, ref: str) -> list[dict[str, Any]]:
        """Share an amount out to the payments that still hold money; Refused when they do not hold enough."""
        if self.shown != self.currency:
            raise Refused("currency", f"the buyer paid in {self.shown}: pay it back on the platform's pages ({ref})")
        done = [one for one in self.transactions if one.status == SUCCESS]
        back: Counter[str] = Counter()
        for one in (one for one in done if one.kind == REFUND):
            back[one.parent.id] += one.amount.minor("amountSet")
        parts = []
        for one in (one for one in done if one.kind in TOOK_MONEY):
            part = min(amount_minor, one.amount.minor("amountSet") - back[one.id])
            if part > 0:
                amount_minor -= part
                amount = {"amount": overseas.major(part, self.currency), "currencyCode": self.currency}
                parts.append({"transactionAmount": amount, "parentId": one.id})
        if amount_minor:
            raise Refused("amount", f"its payments hold {amount_minor} minor units less than that ({ref})")
        return parts


class Answered(Changed):
    """What came of an answer."""


def question(window: Window) -> str:
    """Write which orders may have cases that changed in a window."""
    states = ("return_requested", "in_progress", "inspection_complete", "returned", "return_failed")
    have = " OR ".join(f"return_status:{one}" for one in states)
    start, end = (f"{moment:%Y-%m-%dT%H:%M:%SZ}" for moment in (window.start, window.end))
    return f"updated_at:>='{start}' AND updated_at:<='{end}' AND ({have})"


def read_row(told: Mapping[str, Any], window: Window, shop: Shop) -> CaseObserved | CaseHinted:
    """Read a row; one that cannot be read does not stop the others: it is asked for alone, and told of then."""
    try:
        return observe(Case.model_validate(told), shop)
    except (ValidationError, Broken):
        number = number_of(checked(_Named, told, "a list of cases").id)
        if not (number.isascii() and number.isdigit()):
            raise Broken(f"{CHANNEL} listed a case without a number") from None
        return CaseHinted(CHANNEL, shop.code, number, "", window.end)


def observe(case: Case, shop: Shop) -> CaseObserved:
    """Make the observation; Broken when its state is not known here, or its amounts cannot be read."""
    state, number = STATES.get(case.status), number_of(case.id)
    if state is None:
        words = f"{CHANNEL} about case {number}: status {fields.vendor_text(case.status)}"
        raise Broken(f"{words} is not known here: see to it on the platform's own pages")
    try:
        paid = case.paid_minor
        wanted = sum(line.price.minor("withCodeDiscountedTotalPriceSet") for line in case.lines.nodes if line.price)
        at = fields.offset_time(case.order.updated)
    except (Unparsable, ValueError) as error:
        raise Broken(f"{CHANNEL} about case {number}: {error}") from error
    lines = [line for line in case.lines.nodes if line.sold is not None]
    return CaseObserved(
        channel=CHANNEL,
        shop=shop.code,
        case_no=number,
        no=case.order.number,
        case_kind=CaseKind.EXCHANGE if case.exchanges.nodes else CaseKind.RETURN,
        state=_S.PAID if paid else state,
        raw_status=case.status,
        vendor_time=at,
        amount_minor=paid or wanted,
        currency=shop.currency,
        lines=tuple(CaseLineObserved(number_of(one.sold.line.id), one.quantity) for one in lines if one.sold),
        words=" / ".join(filter(None, (line.note for line in case.lines.nodes)))[:MAX_WORDS],
    )


def decline(answer: ChannelAnswer, global_id: str) -> dict[str, Any]:
    """Write a refusal."""
    said = {"id": global_id, "declineReason": OTHER, "declineNote": answer.reason[:MAX_NOTE], "notifyCustomer": True}
    return {"input": said}
