"""After-sales cases of the own-shop channel, docs/own-shop-api.md: one case, a page of them, and our answers."""

import hashlib
import re
from typing import Annotated
from urllib.parse import quote, urlencode

from pydantic import Field, ValidationError

from connectors import fields
from connectors.platforms.own_orders import CHANNEL, MAX_LINES, MAX_QUANTITY, Id, Minor, Strict, Time, Words
from domain.after_sales import CaseKind, ChannelAnswer
from domain.errors import Broken, Refused
from domain.observations import CaseLineObserved, CaseObserved, ChannelCaseState
from domain.pulling import Page, PullRules, Window
from domain.shops import Shop

CASES_URL = "cases_url"
PULL_RULES = PullRules(longest_seconds=86_400, lag_seconds=1.0)
"""A day; it ends a second ago, so that the second which is not over yet does not change under the reader."""
MAX_PAGE = 200
MAX_PAGES = 5_000
_PLAIN = re.compile(r"[\x21-\x7e]{1,100}")


class _Line(Strict):
    no: Id
    quantity: Annotated[int, Field(ge=0, le=MAX_QUANTITY)] = 0


class Case(Strict):
    """One case as the shop writes it."""

    case_no: Id
    order_no: Id
    kind: Annotated[CaseKind, Field(strict=False)]
    state: Annotated[ChannelCaseState, Field(strict=False)]
    updated_at: Time
    amount_minor: Minor = 0
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    lines: Annotated[tuple[_Line, ...], Field(max_length=MAX_LINES)] = ()
    reason: Annotated[str, Field(pattern=r"^[a-z_]{0,40}$")] = ""
    words: Words = ""
    carrier: Annotated[str, Field(max_length=64)] = ""
    waybill_no: Annotated[str, Field(max_length=64)] = ""


class _Answer(Strict):
    case: Case


class _Page(Strict):
    cases: Annotated[tuple[Case, ...], Field(max_length=MAX_PAGE)]
    pages: Annotated[int, Field(ge=0, le=MAX_PAGES)] = 1


def observe(case: Case, shop: Shop) -> CaseObserved:
    """Make the observation."""
    return CaseObserved(
        channel=CHANNEL,
        shop=shop.code,
        case_no=case.case_no,
        no=case.order_no,
        case_kind=case.kind,
        state=case.state,
        raw_status=case.state.value,
        vendor_time=case.updated_at,
        amount_minor=case.amount_minor,
        currency=case.currency,
        lines=tuple(CaseLineObserved(line.no, line.quantity) for line in case.lines),
        reason=case.reason,
        words=case.words,
        carrier=case.carrier,
        waybill_no=case.waybill_no,
    )


def page_url(shop: Shop, window: Window, cursor: str) -> tuple[str, str]:
    """Give the event id and the address of one page; the first one tells how many there are."""
    asked = {
        "updated_from": window.start.astimezone(shop.tz).isoformat(),
        "updated_to": window.end.astimezone(shop.tz).isoformat(),
        "page": cursor or "1",
    }
    return f"cases:{':'.join(asked.values())}", f"{_base(shop)}?{urlencode(asked)}"


def case_url(shop: Shop, case_no: str) -> tuple[str, str]:
    """Give the event id of a question about one case, the same each time, and the case's address."""
    named = case_no if _PLAIN.fullmatch(case_no) else hashlib.sha256(case_no.encode()).hexdigest()
    return f"case:{named}", f"{_base(shop)}/{quote(case_no, safe='')}"


def read_page(body: bytes, cursor: str, event_id: str, shop: Shop) -> Page:
    """Read one page; the next one is the one before it."""
    try:
        told = _Page.model_validate_json(body)
    except ValidationError as error:
        raise Broken(f"own about {event_id}: {fields.explain(error)}") from error
    if not cursor and told.pages > 1:
        return Page((), body, str(told.pages))
    before = int(cursor or 1) - 1
    return Page(tuple(observe(case, shop) for case in told.cases), body, str(before) if before else "")


def read(body: bytes, case_no: str, shop: Shop) -> CaseObserved:
    """Read one case; Broken when it is none or another one."""
    try:
        case = _Answer.model_validate_json(body).case
    except ValidationError as error:
        raise Broken(f"own about case {case_no}: {fields.explain(error)}") from error
    if case.case_no != case_no:
        raise Broken(f"own answered about another case than {case_no}")
    return observe(case, shop)


def message(answer: ChannelAnswer) -> dict[str, object]:
    """Write one answer; what does not belong to its action is left out."""
    told: dict[str, object] = {
        "case_no": answer.case_no,
        "order_no": answer.order_no,
        "action": answer.action.value,
        "amount_minor": answer.amount_minor,
        "reason": answer.reason,
        "carrier": answer.carrier,
        "waybill_no": answer.waybill_no,
    }
    return {"answer": {name: value for name, value in told.items() if value not in ("", 0)}}


def _base(shop: Shop) -> str:
    url = shop.params.get(CASES_URL, "")
    if not url:
        raise Refused(
            "no-cases-url", f"the shop {shop.code} has no cases_url: it cannot be asked about cases, nor told"
        )
    return url.rstrip("/")
