"""After-sales of JD: refunds before shipping that wait for a review (退款审核), and service bills (服务单).

JD keeps the two apart; a case is numbered R + its refund's id or S + its service bill's. Documented: the list and the
detail of refunds with states, times and fen; `serviceStatus`, `customerExpect`; what a service bill really paid back
(yuan, `actualRefundAmount`). Assumed, as open clients name them: `asc.query.list` with `buId`, `operatePin`,
`operateNick`, `updateTimeBegin`/`updateTimeEnd`, `serviceId`, and its `pageResult{totalCount, data[{serviceId, orderId,
skuId, customerExpect, serviceStatus, applyTime, approveTime, processTime (ms), actualPayPrice}]}`.
The list of refunds knows the moments of asking and of review only: it is read by both. It shows no payment: inferred,
the money of a refund is back when its order is cancelled.
Not found: a documented way to answer either; a person answers on the platform's own pages.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from connectors import fields
from connectors.platforms.jd_gateway import CHANNEL
from connectors.shapes import MAX_WORDS, Id, Lenient, MaybeMillis, Total, Yuan, from_millis
from domain.after_sales import CaseKind
from domain.errors import Broken
from domain.observations import CaseHinted, CaseLineObserved, CaseObserved, ChannelCaseState
from domain.pulling import PullRules, Window
from domain.shops import Shop

REFUNDS, REFUND = "jingdong.pop.afs.soa.refundapply.queryPageList", "jingdong.pop.afs.soa.refundapply.queryById"
BILLS, PAID_BACK = "jingdong.asc.query.list", "jingdong.b2c.shop.aftersales.refund.get"
PAGE_SIZE, MAX_PAGES = 50, 100
PULL_RULES = PullRules(longest_seconds=86_400, lag_seconds=2.0)
"""A day; service bills may be asked for by seven."""
ASKED, CHECKED, SERVED = "asked", "checked", "served"
WAYS = (ASKED, CHECKED, SERVED)
"""In which order a window is read."""

_S = ChannelCaseState
REFUND_STATES: Mapping[int, ChannelCaseState] = {
    0: _S.ASKED, 10: _S.ASKED,
    # Agreed, intercepted, or closed by force: the money is on its way.
    1: _S.SENT, 3: _S.SENT, 5: _S.SENT, 6: _S.SENT, 7: _S.SENT, 9: _S.SENT,
    2: _S.REFUSED, 4: _S.REFUSED, 8: _S.REFUSED,
}  # fmt: skip
BILL_STATES: Mapping[int, ChannelCaseState] = {
    10000: _S.ASKED, 10001: _S.ASKED, 10002: _S.ASKED, 10012: _S.ASKED,
    10005: _S.AWAITS_GOODS,
    10006: _S.SENT, 10007: _S.SENT, 10009: _S.SENT, 10041: _S.SENT,
    10010: _S.PAID,
    10004: _S.CLOSED, 10011: _S.CLOSED,
}  # fmt: skip
DONE = 10010
KINDS: Mapping[int, CaseKind] = {
    1: CaseKind.REFUND,
    11: CaseKind.REFUND,
    10: CaseKind.RETURN,
    20: CaseKind.EXCHANGE,
    80: CaseKind.RESHIP,
}
"""30 is a repair (维修): there is no such case here."""
GOODS = frozenset({CaseKind.EXCHANGE, CaseKind.RESHIP})


class Refund(Lenient):
    """One refund that is asked for before shipping."""

    id: Id
    orderId: Id
    applyTime: str = ""
    checkTime: str = ""
    modified: str = ""
    applyRefundSum: Annotated[int, Field(ge=0, le=fields.MAX_AMOUNT_MINOR)] = 0
    status: int
    reason: str = ""


class _Refunds(Lenient):
    success: bool = True
    totalCount: Total = 0
    result: Annotated[tuple[Refund, ...], Field(max_length=PAGE_SIZE)] = ()


class RefundsAnswer(Lenient):
    """One page of refunds."""

    queryResult: _Refunds


class _OneRefund(Lenient):
    success: bool = True
    result: Refund | tuple[Refund, ...] | None = None


class RefundAnswer(Lenient):
    """One refund."""

    queryResult: _OneRefund

    @property
    def refund(self) -> Refund | None:
        """Give it; None when there is none, or more than one."""
        told = self.queryResult.result
        if isinstance(told, tuple):
            return told[0] if len(told) == 1 else None
        return told


class Bill(Lenient):
    """One service bill."""

    serviceId: Id
    orderId: Id
    skuId: str = ""
    customerExpect: int = 0
    serviceStatus: int = 0
    applyTime: MaybeMillis = 0
    approveTime: MaybeMillis = 0
    processTime: MaybeMillis = 0
    actualPayPrice: Yuan = 0

    @property
    def changed_at(self) -> datetime | None:
        """The last moment it tells of."""
        latest = max(self.applyTime, self.approveTime, self.processTime)
        return from_millis(latest) if latest else None


class _Bills(Lenient):
    totalCount: Total = 0
    data: Annotated[tuple[Bill, ...], Field(max_length=PAGE_SIZE)] = ()


class BillsAnswer(Lenient):
    """One page of service bills."""

    pageResult: _Bills


class _Actual(Lenient):
    actualRefundAmount: Yuan = 0


class _Detail(Lenient):
    afsActualRefundDetail: _Actual = _Actual()


class _Data(Lenient):
    data: _Detail = _Detail()


class PaidBackAnswer(Lenient):
    """What a service bill paid back."""

    result: _Data = _Data()

    @property
    def amount_minor(self) -> int:
        """Give it in fen; 0 while nothing was paid."""
        return self.result.data.afsActualRefundDetail.actualRefundAmount


def refunds_question(window: Window, way: str, page: int, shop: Shop) -> dict[str, Any]:
    """Ask for a page of the refunds that were asked for, or reviewed, in a window."""
    start, end = fields.show_local(window.start, shop.tz), fields.show_local(window.end, shop.tz)
    name = "applyTime" if way == ASKED else "checkTime"
    return {f"{name}Start": start, f"{name}End": end, "pageIndex": page, "pageSize": PAGE_SIZE}


def bills_question(window: Window, page: int, shop: Shop) -> dict[str, Any]:
    """Ask for a page of the service bills that changed in a window."""
    start, end = fields.show_local(window.start, shop.tz), fields.show_local(window.end, shop.tz)
    changed = {"updateTimeBegin": start, "updateTimeEnd": end}
    return {**operator(shop), **changed, "pageNumber": page, "pageSize": PAGE_SIZE}


def operator(shop: Shop) -> dict[str, str]:
    """Say in whose name service bills are asked for."""
    who = fields.param(shop, "operator")
    return {"buId": fields.param(shop, "vender_id"), "operatePin": who, "operateNick": who}


def refund_hint(refund: Refund, window: Window, shop: Shop) -> CaseHinted:
    """Make a hint: whether the money moved, only the order tells."""
    moments = (_maybe(text, shop) for text in (refund.modified, refund.checkTime, refund.applyTime))
    changed_at = next((one for one in moments if one), window.end)
    return CaseHinted(CHANNEL, shop.code, f"R{refund.id}", refund.orderId, changed_at, str(refund.status))


def bill_hint(bill: Bill, window: Window, shop: Shop) -> CaseHinted:
    """Make a hint: what was paid back has to be asked for."""
    changed_at = bill.changed_at or window.end
    return CaseHinted(CHANNEL, shop.code, f"S{bill.serviceId}", bill.orderId, changed_at, str(bill.serviceStatus))


def observe_refund(refund: Refund, is_cancelled: bool, now: datetime, shop: Shop) -> CaseObserved:
    """Make the observation; `is_cancelled`: its order is, so the money is back."""
    state = REFUND_STATES.get(refund.status)
    if state is None:
        raise _unknown(f"R{refund.id}", f"status {refund.status}")
    if state is ChannelCaseState.SENT and is_cancelled:
        state = ChannelCaseState.PAID
    moments = (_maybe(text, shop) for text in (refund.modified, refund.checkTime, refund.applyTime))
    return CaseObserved(
        channel=CHANNEL,
        shop=shop.code,
        case_no=f"R{refund.id}",
        no=refund.orderId,
        case_kind=CaseKind.REFUND,
        state=state,
        raw_status=f"{refund.status}/cancelled" if is_cancelled else str(refund.status),
        # Nothing in a refund moves when its money does: the moment is then that of asking.
        vendor_time=now if is_cancelled else next((one for one in moments if one), now),
        amount_minor=refund.applyRefundSum,
        currency=shop.currency,
        words=refund.reason[:MAX_WORDS],
    )


def observe_bill(bill: Bill, paid_minor: int, now: datetime, shop: Shop) -> CaseObserved:
    """Make the observation; done is not paid: that takes an amount."""
    kind, state = KINDS.get(bill.customerExpect), BILL_STATES.get(bill.serviceStatus)
    if kind is None or state is None:
        raise _unknown(
            f"S{bill.serviceId}", f"customerExpect {bill.customerExpect}, serviceStatus {bill.serviceStatus}"
        )
    if state is ChannelCaseState.PAID:
        unpaid = ChannelCaseState.CLOSED if kind in GOODS else ChannelCaseState.SENT
        state = state if paid_minor and kind not in GOODS else unpaid
    return CaseObserved(
        channel=CHANNEL,
        shop=shop.code,
        case_no=f"S{bill.serviceId}",
        no=bill.orderId,
        case_kind=kind,
        state=state,
        raw_status=str(bill.serviceStatus),
        vendor_time=now if paid_minor else bill.changed_at or now,
        amount_minor=paid_minor or bill.actualPayPrice,
        currency=shop.currency,
        lines=(CaseLineObserved(bill.skuId, 0),) if bill.skuId else (),
    )


def _unknown(case_no: str, codes: str) -> Broken:
    return Broken(f"{CHANNEL} about case {case_no}: {codes} is not known here: see to it on the platform's own pages")


def _maybe(text: str, shop: Shop) -> datetime | None:
    try:
        return fields.local_time(text, shop.tz)
    except ValueError:
        return None
