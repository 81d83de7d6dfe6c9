"""Order exceptions (异常单): what went wrong, whose fault it is, what the buyer gets, and what follows at once.

An exception always belongs to an order (EXC-1). What follows from it is one table (EXC-2). Owns no wait: the ladder of
an exception is domain/sla.py's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeVar

from domain.after_sales import Climb
from domain.errors import BadInput


class ExceptionKind(StrEnum):
    """What went wrong (少发, 错发, 破损, 物流异常)."""

    SHORT = "short"
    WRONG = "wrong"
    DAMAGED = "damaged"
    LOGISTICS = "logistics"


class Responsible(StrEnum):
    """Whose fault it is (仓库, 快递, 供应商)."""

    WAREHOUSE = "warehouse"
    COURIER = "courier"
    SUPPLIER = "supplier"


class Compensation(StrEnum):
    """What the buyer gets (补发, 退款, 赠品)."""

    RESHIP = "reship"
    REFUND = "refund"
    GIFT = "gift"


class Route(StrEnum):
    """What is set in motion as an exception is opened; the receivable change always is."""

    SHIP_AGAIN = "ship_again"
    TASK = "task"
    CASE = "case"
    RED_LETTER = "red_letter"
    CLAIM = "claim"
    GIFT = "gift"


class ExceptionState(StrEnum):
    """Where an exception is: nobody looked at it, somebody did, it is done."""

    OPEN = "open"
    HANDLED = "handled"
    CLOSED = "closed"


class ExceptionChoice(StrEnum):
    """What people do with an exception."""

    HANDLE = "handle"
    HAND_OVER = "hand_over"
    CLOSE = "close"
    REOPEN = "reopen"


_OF_COMPENSATION: dict[Compensation, tuple[Route, ...]] = {
    Compensation.RESHIP: (Route.SHIP_AGAIN, Route.TASK),
    Compensation.REFUND: (Route.CASE, Route.RED_LETTER),
    Compensation.GIFT: (Route.GIFT,),
}
_OF_RESPONSIBLE: dict[Responsible, tuple[Route, ...]] = {
    Responsible.WAREHOUSE: (),
    Responsible.COURIER: (Route.CLAIM,),
    Responsible.SUPPLIER: (Route.CLAIM,),
}


def routes(responsible: Responsible, compensation: Compensation) -> tuple[Route, ...]:
    """Say what an exception sets in motion (EXC-2)."""
    return _OF_COMPENSATION[compensation] + _OF_RESPONSIBLE[responsible]


@dataclass(frozen=True, slots=True)
class ExceptionLine:
    """Units of an order line that an exception is about."""

    line_no: str
    sku: str
    quantity: int


@dataclass(frozen=True, slots=True)
class NewException:
    """An exception as it is opened; `request_key`, a form's nonce, makes opening it twice harmless.

    `amount_minor` comes with a refund, `gift_sku` with a gift. `words` are what the buyer said, sealed when stored.
    """

    order_key: str
    kind: ExceptionKind
    responsible: Responsible
    compensation: Compensation
    lines: tuple[ExceptionLine, ...]
    request_key: str
    opened_by: str
    words: str = field(default="", repr=False)
    amount_minor: int | None = None
    gift_sku: str = ""
    ticket_no: str = ""


@dataclass(frozen=True, slots=True)
class ExceptionDecision:
    """One decision about an exception; `actor` is a login. `words`: what was done; `owner`: to whom it is handed."""

    choice: ExceptionChoice
    actor: str
    words: str = ""
    owner: str = ""


@dataclass(frozen=True, slots=True)
class ProcessStart:
    """What the workflow of an exception or a ticket is started with; ids only."""

    no: str
    order_key: str


@dataclass(frozen=True, slots=True)
class ProcessStep:
    """What an exception or a ticket waits for: its state, whether it is over, the rungs of its ladder still to come."""

    state: str
    over: bool = False
    climbs: tuple[Climb, ...] = ()


def process_id(kind: str, no: str, turn: int) -> str:
    """Name the workflow of an exception or a ticket; one that was opened again has another one."""
    return f"{kind}:{no}" + (f":{turn + 1}" if turn else "")


Word = TypeVar("Word", bound=StrEnum)


def chosen(words: type[Word], given: str, name: str) -> Word:
    """Read one of the words of a choice; BadInput names those there are (EXC-1: all three are required)."""
    try:
        return words(given.strip().lower())
    except ValueError:
        known = ", ".join(one.value for one in words)
        said = f"{given!r} is no {name}" if given.strip() else f"{name} is missing"
        raise BadInput(f"{said}; it is one of {known}") from None


def refuse_new(new: NewException, ordered: Mapping[str, int], left_minor: int) -> str:
    """Say why an exception cannot be opened; empty when it can. `left_minor` is what was paid and not paid back."""
    if not new.opened_by.strip():
        return "who opens it? actor is empty"
    if new.compensation is Compensation.RESHIP and not new.lines:
        return "to send again needs lines: which, and how many units"
    for line in new.lines:
        if line.line_no not in ordered:
            return f"the order has no line {line.line_no!r}; it has {', '.join(sorted(ordered))}"
        if not 0 < line.quantity <= ordered[line.line_no]:
            return f"line {line.line_no}: {line.quantity} units; {ordered[line.line_no]} were ordered, name 1 or more"
    if new.compensation is Compensation.GIFT and not new.gift_sku.strip():
        return "a gift needs its SKU"
    return _refuse_money(new, left_minor)


def _refuse_money(new: NewException, left_minor: int) -> str:
    if new.compensation is not Compensation.REFUND:
        return "" if new.amount_minor is None else "an amount comes with a refund only"
    if new.amount_minor is None or new.amount_minor <= 0:
        return "a refund needs its amount"
    if new.amount_minor > left_minor:
        return f"{new.amount_minor / 100:.2f} cannot be paid back; at most {left_minor / 100:.2f} can"
    return ""


def refuse_decision(decision: ExceptionDecision, state: ExceptionState) -> str:
    """Say why a decision makes no sense now; empty when it does."""
    choice = decision.choice
    if not decision.actor.strip():
        return "who decides? actor is empty"
    if choice is ExceptionChoice.REOPEN:
        if state is not ExceptionState.CLOSED:
            return f"it is {state.value}: only a closed one is opened again"
        return "" if decision.words.strip() else "to open it again needs a reason"
    if state is ExceptionState.CLOSED:
        return "it is closed; open it again first"
    if choice is ExceptionChoice.HAND_OVER and not decision.owner.strip():
        return "to whom? owner is empty"
    if choice is ExceptionChoice.CLOSE and not decision.words.strip():
        return "to close it, say what was done"
    if choice is ExceptionChoice.HANDLE and state is ExceptionState.HANDLED:
        return "it is handled already; hand it over, or close it"
    return ""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is handed in with a claim: tables by name, rows by column; photos by file name."""

    tables: Mapping[str, Sequence[Mapping[str, str]]]
    photos: Mapping[str, bytes] = field(default_factory=dict, repr=False)
