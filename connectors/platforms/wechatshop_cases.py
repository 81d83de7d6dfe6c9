"""After-sales cases (售后单) of a WeChat shop: its list of numbers, and its detail.

Documented: both calls, the list's window (at most 24 hours) and the states. As an open client names them: the list's
`after_sale_order_id_list`, and the detail's `after_sale_order{after_sale_order_id, order_id, type, status,
product_info, refund_info{amount}, return_info{waybill_id, delivery_id}, update_time}`, `amount` in fen. How a seller
answers is not documented.
"""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AliasChoices, Field

from connectors.platforms.wechatshop_api import CHANNEL, Question, Second, checked, moment
from connectors.platforms.wechatshop_orders import line_no
from connectors.shapes import Code, Fen, Id, Lenient
from domain.after_sales import CaseKind
from domain.errors import Broken
from domain.observations import CaseHinted, CaseLineObserved, CaseObserved, ChannelCaseState
from domain.pulling import Window
from domain.shops import Shop

LIST, DETAIL = "/channels/ec/aftersale/getaftersalelist", "/channels/ec/aftersale/getaftersaleorder"
MAX_LISTED, MAX_QUANTITY, MAX_WORDS = 1_000, 9_999, 500

_S = ChannelCaseState
STATES: Mapping[str, ChannelCaseState] = {
    "MERCHANT_PROCESSING": _S.ASKED,
    "USER_WAIT_RETURN": _S.AWAITS_GOODS,
    "MERCHANT_WAIT_RECEIPT": _S.SENT,
    # Agreed, and the money has not moved yet, or the buyer or the platform has the word.
    "MERCHANT_OVERDUE_REFUND": _S.SENT, "PLATFORM_REFUNDING": _S.SENT, "PLATFORM_REFUND_FAIL": _S.SENT,
    "MERCHANT_REFUND_RETRY_FAIL": _S.SENT, "MERCHANT_FAIL": _S.SENT, "USER_WAIT_CONFIRM": _S.SENT,
    "USER_WAIT_CONFIRM_UPDATE": _S.SENT, "USER_WAIT_HANDLE_MERCHANT_AFTER_SALE": _S.SENT,
    "MERCHANT_REJECT_REFUND": _S.REFUSED, "MERCHANT_REJECT_RETURN": _S.REFUSED,
    "MERCHANT_REFUND_SUCCESS": _S.PAID, "MERCHANT_RETURN_SUCCESS": _S.PAID,
    # The platform's own spelling.
    "USER_CANCELD": _S.CLOSED, "RETURN_CLOSED": _S.CLOSED,
}  # fmt: skip
KINDS: Mapping[str, CaseKind] = {
    "REFUND": CaseKind.REFUND,
    "RETURN": CaseKind.RETURN,
    "EXCHANGE": CaseKind.EXCHANGE,
}


class _Product(Lenient):
    product_id: Code = ""
    sku_id: Code = ""
    count: Annotated[int, Field(ge=0, le=MAX_QUANTITY)] = 0


class _Refund(Lenient):
    amount: Fen = 0


class _Return(Lenient):
    waybill_id: Code = ""
    delivery_id: Code = ""


class _Case(Lenient):
    after_sale_order_id: Id
    order_id: Id
    type: str
    status: str
    update_time: Second
    reason: str = ""
    product_info: _Product = _Product()
    refund_info: _Refund = _Refund()
    return_info: _Return = _Return()


class Detail(Lenient):
    """The answer about one case."""

    after_sale_order: dict[str, Any]


class List(Lenient):
    """One page of numbers."""

    numbers: Annotated[
        tuple[Id, ...],
        Field(max_length=MAX_LISTED, validation_alias=AliasChoices("after_sale_order_id_list", "order_id_list")),
    ] = ()
    next_key: str = ""
    has_more: bool = False


def list_question(window: Window, cursor: str) -> Question:
    """Ask for one page of what changed."""
    body: dict[str, Any] = {
        "begin_update_time": int(window.start.timestamp()),
        "end_update_time": int(window.end.timestamp()),
        **({"next_key": cursor} if cursor else {}),
    }
    return Question(LIST, f"cases {window.start.isoformat()}", body)


def hints(page: List, window: Window, shop: Shop) -> tuple[CaseHinted, ...]:
    """Make a hint of every number: the list says nothing else."""
    return tuple(CaseHinted(CHANNEL, shop.code, no, "", window.end) for no in page.numbers)


def read_detail(told: Mapping[str, Any], case_no: str, shop: Shop) -> CaseObserved:
    """Make the observation; Broken when it is about another case, or its state or kind is not known here."""
    case = checked(_Case, told, f"case {case_no}")
    if case.after_sale_order_id != case_no:
        raise Broken(f"{CHANNEL} answered about another case than {case_no}")
    kind, state = KINDS.get(case.type), STATES.get(case.status)
    if kind is None or state is None:
        words = f"{CHANNEL} about case {case_no}: type {case.type[:64]}, status {case.status[:64]}"
        raise Broken(f"{words} is not known here: see to it on the platform's own pages")
    if state is _S.PAID and kind is CaseKind.EXCHANGE:
        state = _S.CLOSED
    what = case.product_info
    return CaseObserved(
        channel=CHANNEL,
        shop=shop.code,
        case_no=case_no,
        no=case.order_id,
        case_kind=kind,
        state=state,
        raw_status=case.status,
        vendor_time=moment(case.update_time),
        amount_minor=case.refund_info.amount,
        currency=shop.currency,
        lines=(CaseLineObserved(line_no(what.product_id, what.sku_id), what.count),) if what.sku_id else (),
        words=case.reason[:MAX_WORDS],
        carrier=case.return_info.delivery_id,
        waybill_no=case.return_info.waybill_id,
    )
