"""After-sales cases of Kuaishou's shops (售后单): their list and one of them. Amounts are fen, times milliseconds.

Documented: the list with its window of a day, and the states. The other names, and `refund.detail`, are as the open
client has them that the documentation was taken from. A case is about one order, which holds one SKU.
Not found: a documented way to answer one; a person answers on the platform's own pages.
"""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, ValidationError

from connectors.platforms.kuaishou_gateway import CHANNEL
from connectors.platforms.kuaishou_orders import MAX_CURSOR, NO_MORE
from connectors.shapes import MAX_WORDS, Fen, Id, Lenient, Millis, believable_millis, checked, from_millis, to_millis
from domain.after_sales import CaseKind
from domain.errors import Broken
from domain.observations import CaseHinted, CaseObserved, ChannelCaseState
from domain.pulling import PullRules, Window
from domain.shops import Shop

LIST, DETAIL = "open.seller.order.refund.pcursor.list", "open.seller.order.refund.detail"
PAGE_SIZE = 100
ALL, OLDEST_FIRST, BY_CHANGE = 9, 2, 2
PULL_RULES = PullRules(longest_seconds=86_400 - 60, lag_seconds=2.0)
"""A window may be a day; a minute less, for clocks differ."""

_S = ChannelCaseState
STATES: Mapping[int, ChannelCaseState] = {
    10: _S.ASKED,
    12: _S.REFUSED,
    # A dispute: the platform decides, the case stays open.
    20: _S.ASKED,
    30: _S.AWAITS_GOODS,
    40: _S.SENT,
    # We have shipped again; agreed and to be paid by the platform.
    45: _S.SENT,
    50: _S.SENT,
    60: _S.PAID,
    70: _S.CLOSED,
}
KINDS: Mapping[int, CaseKind] = {
    1: CaseKind.RETURN,
    10: CaseKind.REFUND,
    3: CaseKind.EXCHANGE,
    4: CaseKind.RESHIP,
}
"""`handlingWay`; 5 is a repair (维修): there is no such case here."""
PRICE_GUARD = 1
_GOODS = frozenset({CaseKind.EXCHANGE, CaseKind.RESHIP})


class _Parcel(Lenient):
    expressNo: str = ""
    expressCode: str = ""


class Case(Lenient):
    """One case, in the list and alone."""

    refundId: Id
    oid: Id
    status: int
    handlingWay: int
    specialRefundType: int = 0
    refundFee: Fen = 0
    updateTime: Millis
    refundDesc: str = ""
    logisticsInfo: _Parcel = _Parcel()


class _Named(Lenient):
    refundId: Id
    oid: str = ""
    updateTime: Any = None


_Rows = Annotated[tuple[dict[str, Any], ...], Field(max_length=PAGE_SIZE)]


class List(Lenient):
    """One page of cases, under either of two names."""

    pcursor: Annotated[str, Field(max_length=MAX_CURSOR)] = NO_MORE
    refundOrderInfoList: _Rows = ()
    dataList: _Rows = ()

    @property
    def rows(self) -> tuple[dict[str, Any], ...]:
        """Give the rows."""
        return self.refundOrderInfoList or self.dataList


def question(window: Window, cursor: str) -> dict[str, Any]:
    """Ask for one page of what changed in a window."""
    return {
        "beginTime": to_millis(window.start),
        "endTime": to_millis(window.end),
        "type": ALL,
        "pageSize": PAGE_SIZE,
        "sort": OLDEST_FIRST,
        "queryType": BY_CHANGE,
        "pcursor": cursor,
    }


def read_row(told: Mapping[str, Any], window: Window, shop: Shop) -> CaseObserved | CaseHinted:
    """Read a row; one that cannot be read does not stop the others: it is asked for alone, and told of then."""
    try:
        return observe(Case.model_validate(told), shop)
    except (ValidationError, Broken):
        row = checked(_Named, told, f"{CHANNEL} listed a case that cannot be read")
        changed_at = believable_millis(row.updateTime) or window.end
        return CaseHinted(CHANNEL, shop.code, row.refundId, row.oid, changed_at)


def observe(case: Case, shop: Shop) -> CaseObserved:
    """Make the observation; Broken when its state or kind is not known here."""
    kind, state = KINDS.get(case.handlingWay), STATES.get(case.status)
    if kind is None or state is None:
        words = f"{CHANNEL} about case {case.refundId}: handlingWay {case.handlingWay}, status {case.status}"
        raise Broken(f"{words} is not known here: see to it on the platform's own pages")
    if kind is CaseKind.REFUND and case.specialRefundType == PRICE_GUARD:
        kind = CaseKind.PRICE
    if state is ChannelCaseState.PAID and kind in _GOODS:
        state = ChannelCaseState.CLOSED
    return CaseObserved(
        channel=CHANNEL,
        shop=shop.code,
        case_no=case.refundId,
        no=case.oid,
        case_kind=kind,
        state=state,
        raw_status=str(case.status),
        vendor_time=from_millis(case.updateTime),
        amount_minor=case.refundFee,
        currency=shop.currency,
        words=case.refundDesc[:MAX_WORDS],
        carrier=case.logisticsInfo.expressCode,
        waybill_no=case.logisticsInfo.expressNo,
    )
