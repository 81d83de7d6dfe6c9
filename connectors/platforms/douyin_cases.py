"""After-sales cases (售后单) of the Douyin shop platform: its list, its detail, and the answers we give.

Paths, the list's parameters, states, types, `refund_status` and fen are documented; so are `aftersale_id`,
`aftersale_status`, `aftersale_type`, `refund_amount` and `update_time` (in pushes). Assumed, as open clients name them:
* list: `items[]` of `aftersale_info{…, refund_status, reason, return_logistics_company_code, return_logistics_code}`,
  `order_info{shop_order_id, related_order_info[{sku_order_id, aftersale_item_num}]}`, and `total`;
* detail: `process_info.after_sale_info{after_sale_…}` and `order_info{shop_order_id, sku_order_infos[{sku_order_id,
  after_sale_item_count}]}`;
* the numbers of `operate` in `_OPERATE`, and of an item `aftersale_id`, `reason`, `logistics`; its answer
  `items[{status_code, status_msg}]`, where 0 is done.
"""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AliasChoices, Field, ValidationError

from connectors import fields
from connectors.platforms.douyin_orders import CHANNEL, EARLIEST_SECOND, LATEST_SECOND, Second, moment
from connectors.shapes import Fen, Id, Lenient
from domain.after_sales import CaseAction, CaseKind, ChannelAnswer
from domain.errors import Broken, Refused
from domain.observations import CaseHinted, CaseLineObserved, CaseObserved, ChannelCaseState
from domain.pulling import PullRules, Window
from domain.shops import Shop

LIST, DETAIL, OPERATE = "afterSale.List", "afterSale.Detail", "afterSale.operate"
PAGE_SIZE = 100
MAX_ROWS = 50_000
MAX_LINES = 200
MAX_WORDS = 500
PULL_RULES = PullRules(longest_seconds=86_400)
"""A day, as for orders; the platform looks back six months and names no longest window."""
MONEY_MOVES = frozenset({1, 2, 4})
"""`refund_status`: due, under way, failed: a case that is done on paper, but not paid."""

_S = ChannelCaseState
STATES: Mapping[int, ChannelCaseState] = {
    6: _S.ASKED, 7: _S.AWAITS_GOODS, 11: _S.SENT, 27: _S.REFUSED, 29: _S.REFUSED, 28: _S.CLOSED,
    # Agreed; the seller ships again, the buyer has not confirmed yet.
    8: _S.SENT, 13: _S.SENT,
    12: _S.PAID, 51: _S.PAID, 53: _S.PAID, 14: _S.CLOSED,
}  # fmt: skip
KINDS: Mapping[int, CaseKind] = {
    0: CaseKind.RETURN,
    1: CaseKind.REFUND,
    2: CaseKind.REFUND,
    3: CaseKind.EXCHANGE,
    6: CaseKind.PRICE,
    7: CaseKind.RESHIP,
}
"""8 is a repair (维修): there is no such case here."""
_GOODS = frozenset({CaseKind.EXCHANGE, CaseKind.RESHIP})
_A, _K = CaseAction, CaseKind
_OPERATE: Mapping[tuple[CaseAction, CaseKind], int] = {
    (_A.AGREE_RETURN, _K.RETURN): 101,
    (_A.AGREE_RETURN, _K.EXCHANGE): 301,
    (_A.AGREE_REFUND, _K.RETURN): 111,
    (_A.AGREE_REFUND, _K.REFUND): 201,
    (_A.AGREE_REFUND, _K.PRICE): 201,
    (_A.REFUSE, _K.RETURN): 102,
    (_A.REFUSE, _K.REFUND): 202,
    (_A.REFUSE, _K.PRICE): 202,
    (_A.REFUSE, _K.EXCHANGE): 302,
    (_A.REFUSE, _K.RESHIP): 302,
    (_A.SHIPPED, _K.EXCHANGE): 311,
    (_A.SHIPPED, _K.RESHIP): 311,
}
ANSWERED: Mapping[CaseAction, frozenset[ChannelCaseState]] = {
    _A.AGREE_RETURN: frozenset({_S.AWAITS_GOODS, _S.SENT, _S.PAID}),
    _A.AGREE_REFUND: frozenset({_S.PAID}),
    _A.REFUSE: frozenset({_S.REFUSED, _S.CLOSED}),
    _A.SHIPPED: frozenset({_S.CLOSED}),
}
"""States in which a case has had this answer already: a repeat that is refused is a success then."""


def _named(name: str) -> Any:
    """Take a field of the list, or of the detail, which writes it with one more underscore."""
    return Field(validation_alias=AliasChoices(f"aftersale_{name}", f"after_sale_{name}"))


class _Case(Lenient):
    id: Annotated[Id, _named("id")]
    status: Annotated[int, _named("status")]
    type: Annotated[int, _named("type")]
    refund_status: int = 0
    refund_amount: Fen = 0
    update_time: Second
    reason: str = ""
    company: Annotated[str, Field(validation_alias="return_logistics_company_code")] = ""
    waybill: Annotated[str, Field(validation_alias="return_logistics_code")] = ""


class _Part(Lenient):
    sku_order_id: Id
    units: Annotated[
        int,
        Field(ge=0, le=9_999, validation_alias=AliasChoices("aftersale_item_num", "after_sale_item_count")),
    ] = 0


class _About(Lenient):
    shop_order_id: Id
    parts: Annotated[
        tuple[_Part, ...],
        Field(max_length=MAX_LINES, validation_alias=AliasChoices("related_order_info", "sku_order_infos")),
    ] = ()


class _Row(Lenient):
    aftersale_info: _Case
    order_info: _About


class _Process(Lenient):
    after_sale_info: _Case


class Detail(Lenient):
    """One case in full."""

    process_info: _Process
    order_info: _About


class _Id(Lenient):
    aftersale_id: Id
    update_time: Any = None


class _Named(Lenient):
    aftersale_info: _Id


class List(Lenient):
    """One page of cases."""

    total: Annotated[int, Field(ge=0)]
    items: Annotated[tuple[dict[str, Any], ...], Field(max_length=PAGE_SIZE)] = ()


class _Done(Lenient):
    status_code: int = 0
    status_msg: str = ""


class Operated(Lenient):
    """What came of answers, one by one."""

    items: tuple[_Done, ...] = ()

    def check(self, answer: ChannelAnswer) -> None:
        """Raise Refused with the platform's words for an answer that was not taken."""
        for item in self.items:
            if item.status_code:
                words = fields.vendor_text(item.status_msg) or "no reason given"
                raise Refused(str(item.status_code), f"{words} ({answer.key})")


def question(window: Window, page: int) -> dict[str, Any]:
    """Ask for one page of what changed."""
    return {
        "update_start_time": int(window.start.timestamp()),
        "update_end_time": int(window.end.timestamp()),
        "order_by": ["update_time asc"],
        "page": page,
        "size": PAGE_SIZE,
    }


def read_row(told: Mapping[str, Any], window: Window, shop: Shop) -> CaseObserved | CaseHinted:
    """Read a row; one that cannot be read does not stop the others: it is asked for alone, and told of then."""
    try:
        row = _Row.model_validate(told)
        return _observe(row.aftersale_info, row.order_info, shop)
    except (ValidationError, Broken):
        named = _checked_id(told)
        second = named.update_time
        known = isinstance(second, int) and EARLIEST_SECOND <= second <= LATEST_SECOND
        return CaseHinted(CHANNEL, shop.code, named.aftersale_id, "", moment(second) if known else window.end)


def read_detail(detail: Detail, case_no: str, shop: Shop) -> CaseObserved:
    """Make the observation; Broken when it is about another case, or its state or kind is not known here."""
    seen = _observe(detail.process_info.after_sale_info, detail.order_info, shop)
    if seen.case_no != case_no:
        raise Broken(f"{CHANNEL} answered about another case than {case_no}")
    return seen


def operation(answer: ChannelAnswer, company: str) -> dict[str, Any]:
    """Write one answer; Refused for what the platform has no word for."""
    number = _OPERATE.get((answer.action, answer.kind))
    if number is None:
        words = f"douyin takes no {answer.action.value} for a case of kind {answer.kind.value}"
        raise Refused("no-way", f"{words} ({answer.key}): answer it on the platform's own pages")
    item: dict[str, Any] = {"aftersale_id": answer.case_no}
    if answer.action is CaseAction.REFUSE:
        item["reason"] = answer.reason[:MAX_WORDS]
    if answer.action is CaseAction.SHIPPED:
        item["logistics"] = {"company_code": company, "logistics_code": answer.waybill_no}
    return {"type": number, "items": [item]}


def _observe(case: _Case, about: _About, shop: Shop) -> CaseObserved:
    kind, state = KINDS.get(case.type), STATES.get(case.status)
    if kind is None or state is None:
        words = f"{CHANNEL} about case {case.id}: type {case.type}, status {case.status}"
        raise Broken(f"{words} is not known here: see to it on the platform's own pages")
    if state is ChannelCaseState.PAID:
        if case.refund_status in MONEY_MOVES:
            state = ChannelCaseState.SENT
        elif kind in _GOODS:
            state = ChannelCaseState.CLOSED
    return CaseObserved(
        channel=CHANNEL,
        shop=shop.code,
        case_no=case.id,
        no=about.shop_order_id,
        case_kind=kind,
        state=state,
        raw_status=f"{case.status}/{case.refund_status}",
        vendor_time=moment(case.update_time),
        amount_minor=case.refund_amount,
        currency=shop.currency,
        lines=tuple(CaseLineObserved(part.sku_order_id, part.units) for part in about.parts),
        words=case.reason[:MAX_WORDS],
        carrier=case.company,
        waybill_no=case.waybill,
    )


def _checked_id(told: Mapping[str, Any]) -> _Id:
    try:
        return _Named.model_validate(told).aftersale_info
    except ValidationError as error:
        raise Broken(f"{CHANNEL} listed a case that cannot be read: {fields.explain(error)}") from error
