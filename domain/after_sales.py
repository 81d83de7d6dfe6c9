"""After-sales cases (售后单): their words, kinds and states, and what people may decide about one. Owns no money rule.

A case is about one order, by line and quantity. What is refundable stands in refundable.py, the policy in
after_sales_policy.py, and what comes next in case_flow.py.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class CaseKind(StrEnum):
    """What the buyer wants (仅退款, 退货退款, 换货, 补发, 价保, 补偿)."""

    REFUND = "refund"
    RETURN = "return"
    EXCHANGE = "exchange"
    RESHIP = "reship"
    PRICE = "price"
    COMPENSATION = "compensation"


class Origin(StrEnum):
    """Who opened a case."""

    BUYER = "buyer"
    AGENT = "agent"
    CHANNEL = "channel"
    WAREHOUSE = "warehouse"


class CaseState(StrEnum):
    """Where a case is. CHECKING and GRANTING pass in one transaction; the others wait for somebody."""

    CHECKING = "checking"
    REVIEW = "review"
    STOPPING = "stopping"
    RETURNING = "returning"
    IN_TRANSIT = "in_transit"
    INSPECTING = "inspecting"
    PAYING = "paying"
    SHIPPING = "shipping"
    CLOSED = "closed"


class Outcome(StrEnum):
    """How a case ended."""

    PAID = "paid"
    SHIPPED = "shipped"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    NOTHING = "nothing"


class Actor(StrEnum):
    """Who has to act next; the clock of a step stands still while it is the buyer."""

    BUYER = "buyer"
    AGENT = "agent"
    WAREHOUSE = "warehouse"
    COURIER = "courier"
    FINANCE = "finance"
    SYSTEM = "system"
    NOBODY = "nobody"


class CaseEvent(StrEnum):
    """What wakes a case; the facts say what happened."""

    OPENED = "opened"
    CHANNEL = "channel"
    STOPPED = "stopped"
    TOO_LATE = "too_late"
    PARCEL = "parcel"
    RECEIVED = "received"
    INSPECTED = "inspected"
    PAYOUT = "payout"
    REPLACED = "replaced"
    CHANGED = "changed"
    REOPENED = "reopened"


class Choice(StrEnum):
    """What somebody may decide about a case."""

    APPROVE = "approve"
    REFUSE = "refuse"
    WITHDRAW = "withdraw"
    WAYBILL = "waybill"
    PAY_WITHOUT = "pay_without_return"
    RECEIVE_ONLY = "receive_without_refund"
    RETRY_PAYOUT = "retry_payout"
    PAID_BY_HAND = "paid_by_hand"
    TAKE = "take"


class CaseAction(StrEnum):
    """What a channel is told about its own case. SHIPPED: the goods of an exchange or reshipment left, with waybill."""

    AGREE_RETURN = "agree_return"
    AGREE_REFUND = "agree_refund"
    REFUSE = "refuse"
    SHIPPED = "shipped"


ACTS_NEXT: dict[CaseState, Actor] = {
    CaseState.CHECKING: Actor.SYSTEM,
    CaseState.REVIEW: Actor.AGENT,
    CaseState.STOPPING: Actor.WAREHOUSE,
    CaseState.RETURNING: Actor.BUYER,
    CaseState.IN_TRANSIT: Actor.COURIER,
    CaseState.INSPECTING: Actor.WAREHOUSE,
    CaseState.PAYING: Actor.FINANCE,
    CaseState.SHIPPING: Actor.WAREHOUSE,
    CaseState.CLOSED: Actor.NOBODY,
}
NEEDS_RETURN = frozenset({CaseKind.RETURN, CaseKind.EXCHANGE})
"""Kinds whose goods come back; money or goods leave only afterwards, unless the policy says otherwise."""
SHIPS_AGAIN = frozenset({CaseKind.EXCHANGE, CaseKind.RESHIP})
"""Kinds that end with goods on their way to the buyer."""
PAYS_BACK = frozenset({CaseKind.REFUND, CaseKind.RETURN, CaseKind.PRICE, CaseKind.COMPENSATION})
OF_GOODS = frozenset({CaseKind.REFUND, CaseKind.RETURN})
"""Kinds whose money is the price of the lines; the others name an amount of their own."""


@dataclass(frozen=True, slots=True)
class CaseLine:
    """Units of one order line that a case is about."""

    line_no: str
    sku: str
    quantity: int


@dataclass(frozen=True, slots=True)
class NewCase:
    """A case as it is opened. `request_key` makes opening it twice harmless: a form's nonce, or the platform's case.

    `wanted_minor` None: all that is refundable. `words` are the buyer's own, sealed when stored. `photos` counts what
    was handed in. `channel_case_no` is the platform's number, empty for cases of our own.
    """

    order_key: str
    kind: CaseKind
    origin: Origin
    request_key: str
    lines: tuple[CaseLine, ...]
    reason: str
    asked_by: str = "buyer"
    words: str = field(default="", repr=False)
    wanted_minor: int | None = None
    channel_case_no: str = ""
    photos: int = 0


@dataclass(frozen=True, slots=True)
class CaseStart:
    """What the workflow of a case is started with; ids only."""

    no: str
    order_key: str


@dataclass(frozen=True, slots=True)
class CaseDecision:
    """One decision about a case; `actor` is a login or `buyer`, never a name. `amount_minor` for an approval of less.

    `carrier` and `waybill_no` come with WAYBILL, `reference` (the bank's or the provider's number) with PAID_BY_HAND.
    """

    choice: Choice
    actor: str
    reason: str = ""
    amount_minor: int | None = None
    carrier: str = ""
    waybill_no: str = ""
    reference: str = ""


@dataclass(frozen=True, slots=True)
class ChannelAnswer:
    """What a channel is told: `case_no` and `order_no` are the channel's own, `key` makes telling it twice harmless.

    `amount_minor` with AGREE_REFUND, `reason` with REFUSE, carrier and waybill with SHIPPED; else empty.
    """

    case_no: str
    order_no: str
    kind: CaseKind
    action: CaseAction
    key: str
    currency: str
    amount_minor: int = 0
    reason: str = ""
    carrier: str = ""
    waybill_no: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a decision: whether it was taken, and in words."""

    taken: bool
    words: str


@dataclass(frozen=True, slots=True)
class Climb:
    """One rung of the ladder of a step: when it is reached, and which (domain/sla.py)."""

    at: datetime
    rung: int


@dataclass(frozen=True, slots=True)
class CaseStep:
    """What a case waits for: its state, who acts, until when it may wait (None: for ever), the rungs still to come."""

    state: CaseState
    acts: Actor
    outcome: str = ""
    until: datetime | None = None
    climbs: tuple[Climb, ...] = ()


def workflow_id(no: str) -> str:
    """Name the workflow of a case."""
    return f"case:{no}"


def refuse_decision(decision: CaseDecision, state: CaseState, kind: CaseKind, *, received: bool) -> str:
    """Say why a decision makes no sense now; empty when it does."""
    choice = decision.choice
    if not decision.actor:
        return "who decides? actor is empty"
    if choice is Choice.TAKE:
        return ""
    if state is CaseState.CLOSED:
        return "the case is closed; open a new one"
    if choice in {Choice.REFUSE, Choice.RECEIVE_ONLY, Choice.PAY_WITHOUT} and not decision.reason.strip():
        return f"{choice.value} needs a reason: the buyer reads it, or the auditor"
    return _out_of_turn(decision, state, kind, received=received)


_IN_TURN: dict[Choice, tuple[frozenset[CaseState], str]] = {
    Choice.APPROVE: (frozenset({CaseState.REVIEW}), "there is nothing to review"),
    Choice.REFUSE: (frozenset({CaseState.REVIEW}), "there is nothing to review"),
    Choice.WITHDRAW: (
        frozenset({CaseState.CHECKING, CaseState.REVIEW, CaseState.RETURNING, CaseState.IN_TRANSIT}),
        "too late to withdraw",
    ),
    Choice.WAYBILL: (frozenset({CaseState.RETURNING, CaseState.IN_TRANSIT}), "no parcel is expected"),
    Choice.PAY_WITHOUT: (
        frozenset({CaseState.RETURNING, CaseState.IN_TRANSIT, CaseState.INSPECTING}),
        "it waits for no goods",
    ),
    Choice.RECEIVE_ONLY: (
        frozenset({CaseState.RETURNING, CaseState.IN_TRANSIT, CaseState.INSPECTING, CaseState.REVIEW}),
        "it waits for no goods",
    ),
    Choice.RETRY_PAYOUT: (frozenset({CaseState.PAYING}), "no money is due"),
    Choice.PAID_BY_HAND: (frozenset({CaseState.PAYING}), "no money is due"),
}
"""In which states a choice makes sense, and what is said in the others."""


def _out_of_turn(decision: CaseDecision, state: CaseState, kind: CaseKind, *, received: bool) -> str:
    states, words = _IN_TURN[decision.choice]
    if state not in states or (decision.choice is Choice.WITHDRAW and received):
        return f"the case is {state.value}: {words}"
    if decision.choice in {Choice.PAY_WITHOUT, Choice.RECEIVE_ONLY} and kind not in NEEDS_RETURN:
        return f"a case of kind {kind.value} waits for no goods"
    return _incomplete(decision)


def _incomplete(decision: CaseDecision) -> str:
    if decision.choice is Choice.WAYBILL and not decision.waybill_no.strip():
        return "which parcel? waybill_no is empty"
    if decision.choice is Choice.PAID_BY_HAND and not decision.reference.strip():
        return "paid by hand needs the reference of the bank or the provider"
    return ""
