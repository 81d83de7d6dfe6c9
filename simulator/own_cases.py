"""After-sales cases as the own shop writes them (docs/own-shop-api.md), and the answers it reads. Owns no state."""

import json
from collections.abc import Sequence
from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from simulator.cases import Cases, NotNow, SaleCase
from simulator.clock import iso
from simulator.own_shop import BadMessage

STATES = {"done": "closed"}
PAGE_SIZE = 50


class Answer(BaseModel):
    """What the merchant decided."""

    model_config = ConfigDict(strict=True)
    case_no: str = Field(min_length=1)
    order_no: str = Field(min_length=1)
    action: str
    amount_minor: int = 0
    reason: str = ""
    carrier: str = ""
    waybill_no: str = ""


class _Envelope(BaseModel):
    answer: Answer


def case_json(case: SaleCase) -> dict[str, object]:
    """Write one case."""
    return {
        "case_no": case.no,
        "order_no": case.order.plan.no,
        "kind": case.kind,
        "state": STATES.get(case.state, case.state),
        "updated_at": iso(case.updated_at),
        "amount_minor": case.minor,
        "currency": "CNY",
        "lines": [{"no": no, "quantity": units} for no, units in case.units.items()],
        "reason": "no_reason" if case.kind != "refund" else "changed_mind",
        "words": "不想要了",
        "carrier": case.company,
        "waybill_no": case.waybill,
    }


def case_body(case: SaleCase) -> bytes:
    return json.dumps({"case": case_json(case)}, ensure_ascii=False).encode()


def page_body(cases: Sequence[SaleCase], begins: datetime, ends: datetime, page: int) -> bytes:
    """Write one page of what changed in a window, the oldest change first; pages count from 1."""
    found = sorted(
        (case for case in cases if begins <= case.updated_at.replace(microsecond=0) <= ends),
        key=lambda case: (case.updated_at, case.no),
    )
    shown = found[(page - 1) * PAGE_SIZE : page * PAGE_SIZE]
    told = {"cases": [case_json(case) for case in shown], "pages": -(-len(found) // PAGE_SIZE)}
    return json.dumps(told, ensure_ascii=False).encode()


def take(cases: Cases, case: SaleCase, body: bytes) -> None:
    """Do what the merchant decided; raises BadMessage, naming the field, for what cannot be done now."""
    try:
        answer = _Envelope.model_validate_json(body).answer
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        raise BadMessage(f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}") from None
    if answer.action == "agree_refund" and answer.amount_minor != case.minor:
        raise BadMessage(f"answer.amount_minor: the buyer wants {case.minor}")
    acts = {"agree_return": cases.agree_return, "agree_refund": cases.agree_refund, "shipped": cases.ship}
    try:
        if answer.action == "refuse":
            cases.refuse(case, answer.reason)
        elif answer.action in acts:
            acts[answer.action](case)
        else:
            raise BadMessage(f"answer.action: {answer.action} is not known")
    except NotNow as error:
        raise BadMessage(f"answer.action: the case is {error}") from error
