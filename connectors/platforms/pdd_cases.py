"""After-sales cases of Pinduoduo: its list and its detail.

Documented: both calls, the window (at most 30 minutes), the states, the kinds, the amount in yuan. The list's kinds and
the detail's are numbered differently. A case is asked for by its number and its order's, so that both make its number
here: `{order_sn}-{id}`. Assumed: the detail's fields are named as the list's, its wrapper is the only thing in its
answer, `after_sales_status` 1 asks for all, and a case that waits for the seller with the buyer's waybill waits for the
goods.
How a seller answers is not documented: whoever decides answers on the platform's own pages.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from pydantic import AliasChoices, ConfigDict, Field, ValidationError

from connectors import fields
from connectors.platforms.pdd_api import CHANNEL, Question, Yuan, checked, seconds
from connectors.shapes import Code, Id, Lenient
from domain.after_sales import NEEDS_RETURN, CaseKind
from domain.errors import Broken, Refused
from domain.observations import CaseHinted, CaseLineObserved, CaseObserved, ChannelCaseState
from domain.pulling import Window
from domain.shops import Shop

LIST, LISTED = "pdd.refund.list.increment.get", "refund_increment_get_response"
DETAIL, DETAILED = "pdd.refund.information.get", ""
PAGE_SIZE = 100
MAX_QUANTITY = 9_999
ALL = 1

_S = ChannelCaseState
STATES: Mapping[int, ChannelCaseState] = {
    2: _S.ASKED, 3: _S.ASKED, 14: _S.ASKED, 21: _S.ASKED, 32: _S.ASKED,
    7: _S.AWAITS_GOODS, 15: _S.AWAITS_GOODS,
    # Agreed and under way, goods that come back by themselves, or the platform looks at it: nothing is for us to say.
    4: _S.SENT, 5: _S.SENT, 8: _S.SENT, 18: _S.SENT, 22: _S.SENT, 27: _S.SENT, 31: _S.SENT, 33: _S.SENT,
    6: _S.REFUSED,
    10: _S.PAID, 16: _S.CLOSED, 25: _S.CLOSED,
    0: _S.CLOSED, 9: _S.CLOSED, 11: _S.CLOSED, 12: _S.CLOSED, 13: _S.CLOSED, 17: _S.CLOSED, 24: _S.CLOSED,
}  # fmt: skip
LIST_KINDS: Mapping[int, CaseKind] = {
    2: CaseKind.REFUND, 3: CaseKind.RETURN, 4: CaseKind.EXCHANGE, 5: CaseKind.RESHIP,
}  # fmt: skip
DETAIL_KINDS: Mapping[int, CaseKind] = {
    1: CaseKind.REFUND, 2: CaseKind.RETURN, 3: CaseKind.EXCHANGE, 4: CaseKind.RESHIP,
}  # fmt: skip
"""5 is a repair (维修): there is no such case here."""


class _Case(Lenient):
    id: Annotated[Id, Field(validation_alias=AliasChoices("id", "after_sales_id"))]
    order_sn: Id
    after_sales_status: int
    after_sales_type: int
    refund_amount: Yuan = 0
    goods_number: Annotated[int, Field(ge=0, le=MAX_QUANTITY)] = 0
    sku_id: Code = ""
    tracking_number: Code = ""
    updated_at: Annotated[str, Field(validation_alias="updated_time")]


class _Named(Lenient):
    id: Id
    order_sn: Id


class List(Lenient):
    """One page of cases."""

    total_count: Annotated[int, Field(ge=0)]
    refund_list: Annotated[tuple[dict[str, Any], ...], Field(max_length=PAGE_SIZE)] = ()


class Detail(Lenient):
    """One case, as it is told."""

    model_config = ConfigDict(extra="allow")


def case_no(order_no: str, number: str) -> str:
    """Name a case by its order's number and its own: it is asked for by both."""
    return f"{order_no}-{number}"


def list_question(window: Window, page: int) -> Question:
    """Ask for one page of what changed; pages count from 1."""
    params = {
        "start_updated_at": seconds(window.start),
        "end_updated_at": seconds(window.end),
        "after_sales_status": ALL,
        "after_sales_type": ALL,
        "page": page,
        "page_size": PAGE_SIZE,
    }
    return Question(LIST, f"cases {window.start.isoformat()} page {page}", LISTED, params)


def detail_question(no: str) -> Question:
    """Ask for one case; Refused for a number that is none of these."""
    order_no, _, number = no.rpartition("-")
    if not order_no or not number:
        raise Refused("case-no", f"case {no} is not like 210707-123456789012345-1234: it cannot be asked for")
    return Question(DETAIL, f"case {no}", DETAILED, {"after_sales_id": number, "order_sn": order_no})


def read_row(told: Mapping[str, Any], window: Window, shop: Shop) -> CaseObserved | CaseHinted:
    """Read a row; one that cannot be read does not stop the others: it is asked for alone, and told of then."""
    try:
        return _observe(_Case.model_validate(told), LIST_KINDS, shop)
    except (ValidationError, Broken):
        named = checked(_Named, told, "a listed case")
        return CaseHinted(CHANNEL, shop.code, case_no(named.order_sn, named.id), named.order_sn, window.end)


def read_detail(told: Mapping[str, Any], no: str, shop: Shop) -> CaseObserved:
    """Make the observation; Broken when it is about another case, or its state or kind is not known here."""
    seen = _observe(checked(_Case, told, f"case {no}"), DETAIL_KINDS, shop)
    if seen.case_no != no:
        raise Broken(f"{CHANNEL} answered about another case than {no}")
    return seen


def _observe(case: _Case, kinds: Mapping[int, CaseKind], shop: Shop) -> CaseObserved:
    no = case_no(case.order_sn, case.id)
    kind, state = kinds.get(case.after_sales_type), STATES.get(case.after_sales_status)
    if kind is None or state is None:
        words = f"{CHANNEL} about case {no}: type {case.after_sales_type}, status {case.after_sales_status}"
        raise Broken(f"{words} is not known here: see to it on the platform's own pages")
    return CaseObserved(
        channel=CHANNEL,
        shop=shop.code,
        case_no=no,
        no=case.order_sn,
        case_kind=kind,
        state=_refined(state, kind, case),
        raw_status=str(case.after_sales_status),
        vendor_time=_moment(case.updated_at, no, shop),
        amount_minor=case.refund_amount,
        currency=shop.currency,
        lines=(CaseLineObserved(case.sku_id, case.goods_number),) if case.sku_id else (),
        waybill_no=case.tracking_number,
    )


def _refined(state: ChannelCaseState, kind: CaseKind, case: _Case) -> ChannelCaseState:
    """Tell goods on their way from a question, and a parcel that is awaited from one that nobody owes."""
    if state is _S.ASKED and kind in NEEDS_RETURN and case.tracking_number:
        return _S.SENT
    return _S.SENT if state is _S.AWAITS_GOODS and kind not in NEEDS_RETURN else state


def _moment(text: str, no: str, shop: Shop) -> datetime:
    try:
        return fields.local_time(text, shop.tz)
    except ValueError as error:
        raise Broken(f"{CHANNEL}: updated_time of case {no}: {error}") from error
