"""After-sales cases of Xiaohongshu's shops (售后): their list, which only hints, and one of them.

Times are milliseconds, amounts yuan here (`…Yuan`), while orders have fen. Documented: the list with its windows and
limit of rows, the states, the types, `refundStatus` 2 and `refundAmountYuan`; other names are as the open client has
them. Not found: a documented way to answer one; a person answers on the platform's own pages.
"""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from connectors.platforms.xhs_gateway import CHANNEL
from connectors.platforms.xhs_orders import BY_CHANGE
from connectors.shapes import (
    MAX_LINES,
    MAX_QUANTITY,
    MAX_WORDS,
    Id,
    Lenient,
    Millis,
    Total,
    Yuan,
    believable_millis,
    from_millis,
    to_millis,
)
from domain.after_sales import CaseKind
from domain.errors import Broken
from domain.observations import CaseHinted, CaseLineObserved, CaseObserved, ChannelCaseState
from domain.pulling import PullRules, Window
from domain.shops import Shop

LIST, DETAIL = "afterSale.listAfterSaleInfos", "afterSale.getAfterSaleInfo"
PAGE_SIZE, MAX_PAGES = 50, 1_000
"""50 times 1,000 are the 50,000 rows that the list shows."""
PULL_RULES = PullRules(longest_seconds=1_800, lag_seconds=2.0)
REFUNDED = 2

_S = ChannelCaseState
STATES: Mapping[int, ChannelCaseState] = {
    1: _S.ASKED,
    2: _S.AWAITS_GOODS,
    3: _S.SENT,
    4: _S.PAID,
    5: _S.CLOSED,
    6: _S.CLOSED,
    9: _S.REFUSED,
    9001: _S.REFUSED,
    # An exchange becomes a refund; the seller ships again, the buyer waits for it.
    11: _S.SENT,
    12: _S.SENT,
    13: _S.SENT,
    # The platform decides: the case stays open.
    14: _S.ASKED,
}
KINDS: Mapping[int, CaseKind] = {
    1: CaseKind.RETURN,
    2: CaseKind.EXCHANGE,
    4: CaseKind.REFUND,
    5: CaseKind.REFUND,
    6: CaseKind.PRICE,
}


class _Row(Lenient):
    returnsId: Id
    orderId: str = ""
    status: int = 0
    updatedAt: Any = None


class List(Lenient):
    """One page of cases."""

    totalCount: Total
    afterSaleBasicInfos: Annotated[tuple[_Row, ...], Field(max_length=PAGE_SIZE)] = ()


class _Sku(Lenient):
    skuId: Id
    appliedCount: Annotated[int, Field(ge=0, le=MAX_QUANTITY)] = 0


class _Case(Lenient):
    returnsId: Id
    orderId: Id
    returnType: int
    status: int
    updatedAt: Millis
    desc: str = ""
    expectedRefundAmountYuan: Yuan = 0
    refundAmountYuan: Yuan = 0
    refundStatus: int = 0
    skus: Annotated[tuple[_Sku, ...], Field(max_length=MAX_LINES)] = ()


class _Parcel(Lenient):
    expressNo: str = ""
    expressCompanyCode: str = ""


class _Logistics(Lenient):
    after_sale: _Parcel = _Parcel()


class Detail(Lenient):
    """One case in full."""

    afterSaleInfo: _Case
    logisticsInfo: _Logistics = _Logistics()


def question(window: Window, page: int) -> dict[str, Any]:
    """Ask for one page of what changed in a window; pages count from 1."""
    times = {"startTime": to_millis(window.start), "endTime": to_millis(window.end)}
    return {**times, "timeType": BY_CHANGE, "pageNo": page, "pageSize": PAGE_SIZE}


def hints(listed: List, window: Window, shop: Shop) -> tuple[CaseHinted, ...]:
    """Make a hint of every row: the list does not say what was paid."""
    return tuple(
        CaseHinted(
            CHANNEL,
            shop.code,
            row.returnsId,
            row.orderId,
            believable_millis(row.updatedAt) or window.end,
            str(row.status or ""),
        )
        for row in listed.afterSaleBasicInfos
    )


def observe(detail: Detail, case_no: str, shop: Shop) -> CaseObserved:
    """Make the observation; Broken when it is about another case, or its state or kind is not known here."""
    case, parcel = detail.afterSaleInfo, detail.logisticsInfo.after_sale
    if case.returnsId != case_no:
        raise Broken(f"{CHANNEL} answered about another case than {case_no}")
    kind, state = KINDS.get(case.returnType), STATES.get(case.status)
    if kind is None or state is None:
        words = f"{CHANNEL} about case {case_no}: returnType {case.returnType}, status {case.status}"
        raise Broken(f"{words} is not known here: see to it on the platform's own pages")
    if state is ChannelCaseState.PAID and case.refundStatus != REFUNDED:
        state = ChannelCaseState.CLOSED if kind is CaseKind.EXCHANGE else ChannelCaseState.SENT
    is_paid = state is ChannelCaseState.PAID
    return CaseObserved(
        channel=CHANNEL,
        shop=shop.code,
        case_no=case_no,
        no=case.orderId,
        case_kind=kind,
        state=state,
        raw_status=f"{case.status}/{case.refundStatus}",
        vendor_time=from_millis(case.updatedAt),
        amount_minor=case.refundAmountYuan if is_paid else case.expectedRefundAmountYuan,
        currency=shop.currency,
        lines=tuple(CaseLineObserved(sku.skuId, sku.appliedCount) for sku in case.skus),
        words=case.desc[:MAX_WORDS],
        carrier=parcel.expressCompanyCode,
        waybill_no=parcel.expressNo,
    )
