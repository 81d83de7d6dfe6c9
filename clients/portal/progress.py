"""Where an order and its cases are, for buyers: stages, who acts next, until when. Values in, values out."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from domain.after_sales import ACTS_NEXT, NEEDS_RETURN, SHIPS_AGAIN, Actor, CaseKind, CaseState, Outcome

DONE, NOW, TODO, STOPPED = "done", "now", "todo", "stopped"
_AT = {
    CaseState.CHECKING: "review",
    CaseState.REVIEW: "review",
    CaseState.STOPPING: "review",
    CaseState.RETURNING: "back",
    CaseState.IN_TRANSIT: "received",
    CaseState.INSPECTING: "received",
}
"""At which stage a state is; money and goods on their way are at the last one."""


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of the line: done, now, todo, or stopped where the case ended early."""

    name: str
    state: str


@dataclass(frozen=True, slots=True)
class Standing:
    """How a case stands: its line, who acts, until when, and whether the buyer may withdraw or name a parcel."""

    stages: tuple[Stage, ...]
    acts: Actor
    until: datetime | None
    may_withdraw: bool
    may_send: bool


def step_of(row: Any) -> str:
    """Say how far an order is, in one word."""
    if row.payment_status == "refunded" or (row.paid_minor and row.refunded_minor >= row.paid_minor):
        return "refunded"
    if row.status == "closed":
        return "closed"
    if row.signed_at is not None:
        return "signed"
    if row.shipped_at is not None:
        return "shipped"
    return "unpaid" if row.payment_status in {"unpaid", "deposit"} else "preparing"


def standing(row: Any) -> Standing:
    """Say how a case stands, from its row."""
    state = CaseState(row.state)
    until = row.return_until if state is CaseState.RETURNING else row.due_at
    withdrawable = {CaseState.CHECKING, CaseState.REVIEW, CaseState.RETURNING, CaseState.IN_TRANSIT}
    return Standing(
        stages=_stages(row, state),
        acts=ACTS_NEXT[state],
        until=None if state is CaseState.CLOSED else until,
        may_withdraw=state in withdrawable and row.received_at is None and not row.withdrawn_by,
        may_send=state in {CaseState.RETURNING, CaseState.IN_TRANSIT} and row.received_at is None,
    )


def _stages(row: Any, state: CaseState) -> tuple[Stage, ...]:
    names = _names(CaseKind(row.kind), row)
    if state is CaseState.CLOSED:
        return _closed(names, row)
    here = _AT.get(state, names[-1])
    if state is CaseState.REVIEW and row.received_at is not None:
        here = "received"  # what came is not what was announced: a person looks at it
    place = names.index(here) if here in names else len(names) - 1
    return tuple(Stage(name, DONE if at < place else NOW if at == place else TODO) for at, name in enumerate(names))


def _names(kind: CaseKind, row: Any) -> list[str]:
    # Before its check nobody has said whether goods come back; the kind says what is likely.
    comes_back = row.returns if row.policy_version else kind in NEEDS_RETURN
    return [
        "asked",
        "review",
        *(["back", "received"] if comes_back else []),
        "sent" if kind in SHIPS_AGAIN else "refund",
    ]


def _closed(names: list[str], row: Any) -> tuple[Stage, ...]:
    if row.outcome in {Outcome.PAID, Outcome.SHIPPED}:
        return tuple(Stage(name, DONE) for name in names)
    passed = {"asked"} | ({"review"} if row.outcome != Outcome.REFUSED and row.review == "approved" else set())
    passed |= {"back", "received"} if row.received_at is not None else set()
    ended = next((name for name in names if name not in passed), names[-1])
    return tuple(Stage(name, DONE if name in passed else STOPPED if name == ended else TODO) for name in names)
