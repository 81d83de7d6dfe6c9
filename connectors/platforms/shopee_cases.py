"""Returns (售后) of Shopee: its list. How one is asked for alone, and how a seller answers, is not documented.

States are "see data definition" in the metadata: those seen in its samples and in the field are known here, every other
one is a hint that a person has to look at. `return_solution` 0 is a return with its refund, 1 a refund alone.
"""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, ValidationError

from connectors import fields
from connectors.platforms.shopee_api import CHANNEL, Major, Number, Question, Second, checked, minor, moment
from connectors.platforms.shopee_orders import line_no
from connectors.shapes import Code, Id, Lenient
from domain.after_sales import CaseKind
from domain.errors import Broken
from domain.observations import CaseHinted, CaseLineObserved, CaseObserved, ChannelCaseState
from domain.pulling import Window
from domain.shops import Shop

LIST = "/api/v2/returns/get_return_list"
PAGE_SIZE, MAX_LINES, MAX_QUANTITY, MAX_WORDS = 100, 200, 9_999, 500

_S = ChannelCaseState
STATES: Mapping[str, ChannelCaseState] = {
    "REQUESTED": _S.ASKED,
    "PROCESSING": _S.AWAITS_GOODS,
    # Agreed, the money is under way; or the platform judges.
    "ACCEPTED": _S.SENT, "JUDGING": _S.SENT, "SELLER_DISPUTE": _S.SENT,
    "COMPLETED": _S.PAID,
    "CANCELLED": _S.CLOSED, "CLOSED": _S.CLOSED,
}  # fmt: skip
KINDS: Mapping[int, CaseKind] = {0: CaseKind.RETURN, 1: CaseKind.REFUND}


class _Item(Lenient):
    item_id: Number
    model_id: Number = "0"
    amount: Annotated[int, Field(ge=0, le=MAX_QUANTITY)] = 0


class _Return(Lenient):
    return_sn: Id
    order_sn: Id
    status: Code
    reason: str = ""
    refund_amount: Major
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    update_time: Second
    tracking_number: Code = ""
    return_solution: int = 0
    item: Annotated[tuple[_Item, ...], Field(max_length=MAX_LINES)] = ()


class _Named(Lenient):
    return_sn: Id
    order_sn: Id = ""


class Page(Lenient):
    """One page of returns."""

    more: bool = False
    returned: Annotated[tuple[dict[str, Any], ...], Field(max_length=PAGE_SIZE, validation_alias="return")] = ()


def question(window: Window, number: int) -> Question:
    """Ask for one page of what changed; pages count from 0."""
    query = {
        "page_no": number,
        "page_size": PAGE_SIZE,
        "update_time_from": int(window.start.timestamp()),
        "update_time_to": int(window.end.timestamp()),
    }
    return Question(LIST, f"cases {window.start.isoformat()} page {number}", query)


def read_row(told: dict[str, Any], window: Window, shop: Shop) -> CaseObserved | CaseHinted:
    """Read a row; one that cannot be read does not stop the others."""
    try:
        return _observe(_Return.model_validate(told), shop)
    except (ValidationError, Broken):
        named = checked(_Named, told, "a listed return")
        return CaseHinted(CHANNEL, shop.code, named.return_sn, named.order_sn, window.end)


def _observe(case: _Return, shop: Shop) -> CaseObserved:
    kind, state = KINDS.get(case.return_solution), STATES.get(case.status)
    if kind is None or state is None:
        raise Broken(f"{CHANNEL} about {case.return_sn}: solution {case.return_solution}, status {case.status}")
    if state is _S.AWAITS_GOODS and (kind is CaseKind.REFUND or case.tracking_number):
        state = _S.SENT
    try:
        amount = minor(case.refund_amount, case.currency)
    except ValueError as error:
        raise Broken(f"{CHANNEL}: refund_amount of {case.return_sn} {error}") from error
    return CaseObserved(
        channel=CHANNEL,
        shop=shop.code,
        case_no=case.return_sn,
        no=case.order_sn,
        case_kind=kind,
        state=state,
        raw_status=case.status,
        vendor_time=moment(case.update_time),
        amount_minor=amount,
        currency=case.currency,
        lines=tuple(CaseLineObserved(line_no(one.item_id, one.model_id), one.amount) for one in case.item),
        words=fields.storable(case.reason)[:MAX_WORDS],
        waybill_no=case.tracking_number,
    )
