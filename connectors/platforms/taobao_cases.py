"""Refunds and disputes of Taobao and Tmall (退款, 换货): their list, one of them, and the answers we give.

Documented: `refunds.receive.get` with its window and paging, `refund.get`, the states, `dispute_type`, `refund_fee`
in yuan. A refund is about one child order: the line's number is its `oid`. Assumed, as open clients name them: the
waybill of the return is `sid` with `company_name`, the version of a refund `refund_version`; and the calls by which a
seller answers, with their parameters (`_CALLS`).
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Annotated

from pydantic import Field, field_validator

from connectors import fields
from connectors.platforms.taobao_orders import CHANNEL, CURRENCY, MAX_QUANTITY
from connectors.platforms.taobao_top import Amount, Id, Lenient, NeededId, Question
from domain.after_sales import CaseAction, CaseKind, ChannelAnswer
from domain.errors import Broken, Refused
from domain.observations import CaseHinted, CaseLineObserved, CaseObserved, ChannelCaseState
from domain.pulling import Window
from domain.shops import Shop

LIST, DETAIL = "taobao.refunds.receive.get", "taobao.refund.get"
PAGE_SIZE = 100
MAX_WORDS = 200
ROW_FIELDS = "refund_id,tid,status,modified"
CASE_FIELDS = (
    "refund_id,tid,oid,status,refund_fee,modified,dispute_type,has_good_return,num,reason,refund_phase,refund_version,"
    "company_name,sid"
)
_S = ChannelCaseState
STATES: Mapping[str, ChannelCaseState] = {
    "WAIT_SELLER_AGREE": _S.ASKED,
    "WAIT_BUYER_RETURN_GOODS": _S.AWAITS_GOODS,
    "WAIT_SELLER_CONFIRM_GOODS": _S.SENT,
    "SELLER_REFUSE_BUYER": _S.REFUSED,
    "CLOSED": _S.CLOSED,
    "SUCCESS": _S.PAID,
}
KINDS: Mapping[str, CaseKind] = {
    "REFUND": CaseKind.REFUND,
    "REFUND_AND_RETURN": CaseKind.RETURN,
    "TMALL_EXCHANGE": CaseKind.EXCHANGE,
    "TAOBAO_EXCHANGE": CaseKind.EXCHANGE,
    "RESHIPPING": CaseKind.RESHIP,
}
"""REPAIR and OTHERS are no cases here."""
_GOODS = frozenset({CaseKind.EXCHANGE, CaseKind.RESHIP})
ANSWERED: Mapping[CaseAction, frozenset[ChannelCaseState]] = {
    CaseAction.AGREE_RETURN: frozenset({_S.AWAITS_GOODS, _S.SENT, _S.PAID}),
    CaseAction.AGREE_REFUND: frozenset({_S.PAID}),
    CaseAction.REFUSE: frozenset({_S.REFUSED, _S.CLOSED}),
    CaseAction.SHIPPED: frozenset({_S.CLOSED}),
}
"""States in which a case has had this answer already: a repeat that is refused is a success then."""


class _Row(Lenient):
    refund_id: NeededId
    tid: Id = ""
    status: Id = ""
    modified: str


class _Rows(Lenient):
    refund: Annotated[tuple[_Row, ...], Field(max_length=PAGE_SIZE)] = ()


class RefundPage(Lenient):
    """One page of refunds; an empty list is left out."""

    total_results: Annotated[int, Field(ge=0)] = 0
    refunds: _Rows = _Rows()

    @field_validator("refunds", mode="before")
    @classmethod
    def _nothing_is_empty(cls, value: object) -> object:
        return value or {}


class Refund(Lenient):
    """One refund, as far as it is read."""

    refund_id: NeededId
    tid: NeededId
    oid: Id = ""
    status: NeededId
    refund_fee: Amount
    modified: str
    dispute_type: Id = ""
    has_good_return: bool = False
    num: Annotated[int, Field(ge=0, le=MAX_QUANTITY)] = 0
    reason: Annotated[str, Field(max_length=2000)] = ""
    refund_phase: Id = ""
    refund_version: Id = ""
    company_name: Id = ""
    sid: Id = ""

    @field_validator("has_good_return", "num", mode="before")
    @classmethod
    def _unknown_is_none(cls, value: object) -> object:
        return value or 0


class RefundAnswer(Lenient):
    """The answer about one refund."""

    refund: Refund


class _Mapped(Lenient):
    succ: bool = True
    message: str = ""


class _Results(Lenient):
    refund_mapping_result: tuple[_Mapped, ...] = ()


class Answered(Lenient):
    """What came of an answer; calls about one refund say it as `is_success` or `result`, the one about several in
    `results`."""

    succ: bool = True
    is_success: bool = True
    message: str = ""
    results: _Results = _Results()

    @field_validator("results", mode="before")
    @classmethod
    def _nothing_is_empty(cls, value: object) -> object:
        return value or {}

    def check(self, answer: ChannelAnswer) -> None:
        """Raise Refused with the platform's words unless it was taken."""
        failed = [one.message for one in self.results.refund_mapping_result if not one.succ]
        if failed or not self.succ or not self.is_success:
            words = fields.vendor_text("; ".join([self.message, *failed]).strip("; ")) or "no reason given"
            raise Refused("not-answered", f"{words} ({answer.key})")


def list_params(window: Window, number: int, *, count: bool, shop: Shop) -> dict[str, str]:
    """Ask for one page of what changed."""
    return {
        "fields": ROW_FIELDS,
        "start_modified": fields.show_local(window.start, shop.tz),
        "end_modified": fields.show_local(window.end, shop.tz),
        "page_no": str(number),
        "page_size": str(PAGE_SIZE),
        "use_has_next": "false" if count else "true",
    }


def hints(page: RefundPage, shop: Shop) -> tuple[CaseHinted, ...]:
    """Make a hint of every row: the list does not say everything about a case."""
    return tuple(
        CaseHinted(CHANNEL, shop.code, row.refund_id, row.tid, _time(row.modified, row.refund_id, shop), row.status)
        for row in page.refunds.refund
    )


def observe(refund: Refund, case_no: str, shop: Shop) -> CaseObserved:
    """Make the observation; Broken when it is about another case, or its state or kind is not known here."""
    if refund.refund_id != case_no:
        raise Broken(f"taobao answered about another case than {case_no}")
    told = refund.dispute_type or ("REFUND_AND_RETURN" if refund.has_good_return else "REFUND")
    kind, state = KINDS.get(told), STATES.get(refund.status)
    if kind is None or state is None:
        words = f"taobao about case {case_no}: dispute_type {told}, status {refund.status}"
        raise Broken(f"{words} is not known here: see to it on the platform's own pages")
    if state is ChannelCaseState.PAID and kind in _GOODS:
        state = ChannelCaseState.CLOSED
    return CaseObserved(
        channel=CHANNEL,
        shop=shop.code,
        case_no=case_no,
        no=refund.tid,
        case_kind=kind,
        state=state,
        raw_status=refund.status,
        vendor_time=_time(refund.modified, case_no, shop),
        amount_minor=refund.refund_fee,
        currency=CURRENCY,
        lines=(CaseLineObserved(refund.oid, refund.num),) if refund.oid else (),
        words=refund.reason,
        carrier=refund.company_name,
        waybill_no=refund.sid,
    )


def answer_call(answer: ChannelAnswer, refund: Refund) -> Question:
    """Write one answer; Refused for what the platform has no call for."""
    write = _CALLS.get((answer.action, answer.kind in _GOODS))
    if write is None:
        words = f"taobao takes no {answer.action.value} for a case of kind {answer.kind.value}"
        raise Refused("no-way", f"{words} ({answer.key}): answer it on the platform's own pages")
    method, params = write(answer, refund)
    return Question(method, answer.key, params)


_Written = tuple[str, dict[str, str]]


def _agree_refund(answer: ChannelAnswer, refund: Refund) -> _Written:
    parts = (answer.case_no, str(refund.refund_fee), refund.refund_version or "0", refund.refund_phase or "onsale")
    return "taobao.rp.refunds.agree", {"refund_infos": "|".join(parts)}


def _agree_return(answer: ChannelAnswer, refund: Refund) -> _Written:
    phase = {"refund_phase": refund.refund_phase or "onsale", "refund_version": refund.refund_version or "0"}
    return "taobao.rp.returngoods.agree", {"refund_id": answer.case_no, **phase}


def _refuse(answer: ChannelAnswer, refund: Refund) -> _Written:
    phase = {"refund_phase": refund.refund_phase or "onsale", "refund_version": refund.refund_version or "0"}
    words = answer.reason[:MAX_WORDS]
    return "taobao.rp.refund.refuse", {"refund_id": answer.case_no, "refuse_message": words, **phase}


def _agree_exchange(answer: ChannelAnswer, refund: Refund) -> _Written:
    return "tmall.exchange.agree", {"dispute_id": answer.case_no}


def _refuse_exchange(answer: ChannelAnswer, refund: Refund) -> _Written:
    return "tmall.exchange.refuse", {"dispute_id": answer.case_no, "leave_message": answer.reason[:MAX_WORDS]}


def _exchange_sent(answer: ChannelAnswer, refund: Refund) -> _Written:
    sent = {"logistics_company_name": answer.carrier, "logistics_no": answer.waybill_no, "logistics_type": "200"}
    return "tmall.exchange.consigngoods", {"dispute_id": answer.case_no, **sent}


_CALLS: Mapping[tuple[CaseAction, bool], Callable[[ChannelAnswer, Refund], _Written]] = {
    (CaseAction.AGREE_REFUND, False): _agree_refund,
    (CaseAction.AGREE_RETURN, False): _agree_return,
    (CaseAction.REFUSE, False): _refuse,
    (CaseAction.AGREE_RETURN, True): _agree_exchange,
    (CaseAction.REFUSE, True): _refuse_exchange,
    (CaseAction.SHIPPED, True): _exchange_sent,
}
"""By what is answered, and whether the buyer gets goods."""


def _time(text: str, case_no: str, shop: Shop) -> datetime:
    try:
        return fields.local_time(text, shop.tz)
    except ValueError as error:
        raise Broken(f"taobao: modified of case {case_no}: {error}") from error
