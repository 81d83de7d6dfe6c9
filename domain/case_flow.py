"""What comes next in an after-sales case, from its facts alone. The story of a case is this table.

A case is level-triggered: whatever wakes it, the next move follows from what is stored, so a step that is repeated, or
lost with its process, does no harm. Moves that write something are made by store/case_steps.py one after the other
until one waits. Money leaves once the goods were received, or when the policy or a person with a reason says so.
"""

from dataclasses import dataclass
from enum import StrEnum

from domain.after_sales import NEEDS_RETURN, PAYS_BACK, SHIPS_AGAIN, CaseKind, CaseState, Outcome


class Move(StrEnum):
    """What is done next. Those of WAITS wait for somebody; the others change facts and are followed by the next."""

    CHECK = "check"
    REVIEW = "review"
    STOP_ORDER = "stop_order"
    STOPPING = "stopping"
    AUTHORISE = "authorise"
    RETURNING = "returning"
    IN_TRANSIT = "in_transit"
    INSPECTING = "inspecting"
    GRANT = "grant"
    PAYING = "paying"
    REPLACE = "replace"
    SHIPPING = "shipping"
    CLOSE = "close"


WAITS: dict[Move, CaseState] = {
    Move.REVIEW: CaseState.REVIEW,
    Move.STOPPING: CaseState.STOPPING,
    Move.RETURNING: CaseState.RETURNING,
    Move.IN_TRANSIT: CaseState.IN_TRANSIT,
    Move.INSPECTING: CaseState.INSPECTING,
    Move.PAYING: CaseState.PAYING,
    Move.SHIPPING: CaseState.SHIPPING,
}


class Review(StrEnum):
    """How the check or a person decided."""

    NONE = ""
    APPROVED = "approved"
    REFUSED = "refused"


class Stop(StrEnum):
    """How far the order of a case before shipping is: to be stopped, asked to stop, stopped, or faster than us."""

    NO_NEED = ""
    WANTED = "wanted"
    ASKED = "asked"
    STOPPED = "stopped"
    TOO_LATE = "too_late"


@dataclass(frozen=True, slots=True)
class CaseFacts:
    """All that decides what comes next.

    `came` units came back and `inspected` says that somebody, or the warehouse's own system, graded them. `differs`:
    what came is not what was announced, and nobody has decided yet what that means. `channel_closed`, `channel_paid`:
    the platform ended the case by itself. `grant` exists once; `paid` is its payout.
    """

    kind: CaseKind
    checked: bool
    review: Review
    stop: Stop = Stop.NO_NEED
    returns: bool = False
    authorised: bool = False
    parcel: bool = False
    came: bool = False
    inspected: bool = False
    differs: bool = False
    pay_first: bool = False
    no_refund: bool = False
    expired: bool = False
    withdrawn: bool = False
    channel_closed: bool = False
    channel_paid: bool = False
    granted: bool = False
    paid: bool = False
    replaced: bool = False
    replacement_left: bool = False


def next_move(facts: CaseFacts) -> tuple[Move, Outcome | None]:
    """Say what comes next; an outcome comes with CLOSE alone."""
    if (early := _ended_early(facts)) is not None:
        return Move.CLOSE, early
    if not facts.checked:
        return Move.CHECK, None
    if facts.channel_paid:  # money that has gone: what is not on its way yet must not leave
        return Move.STOP_ORDER, None
    if facts.review is Review.REFUSED:
        return Move.CLOSE, Outcome.REFUSED
    if facts.review is Review.NONE or facts.stop is Stop.TOO_LATE:
        return Move.REVIEW, None
    if (waits := _stopping(facts)) is not None:
        return waits, None
    if not facts.pay_first and (waits := _returning(facts)) is not None:
        return waits, None
    return _giving(facts)


def _ended_early(facts: CaseFacts) -> Outcome | None:
    """Nothing that was granted is taken back: after that a case goes on to its end."""
    if facts.channel_paid and facts.checked and facts.stop is not Stop.WANTED:
        return Outcome.PAID
    if facts.granted or facts.replaced or facts.came:
        return None
    if facts.withdrawn or facts.channel_closed:
        return Outcome.WITHDRAWN
    return Outcome.EXPIRED if facts.expired and not facts.parcel and not facts.pay_first else None


def _stopping(facts: CaseFacts) -> Move | None:
    return {Stop.WANTED: Move.STOP_ORDER, Stop.ASKED: Move.STOPPING}.get(facts.stop)


def _returning(facts: CaseFacts) -> Move | None:
    """Give the move by which goods come back; None when they are here and graded, or none are expected."""
    if not facts.returns:
        return None
    if not facts.authorised:
        return Move.AUTHORISE
    if not facts.came:
        return Move.IN_TRANSIT if facts.parcel else Move.RETURNING
    if not facts.inspected:
        return Move.INSPECTING
    return Move.REVIEW if facts.differs else None


def _giving(facts: CaseFacts) -> tuple[Move, Outcome | None]:
    if facts.no_refund:
        return Move.CLOSE, Outcome.NOTHING
    if facts.kind in SHIPS_AGAIN:
        if not facts.replaced:
            return Move.REPLACE, None
        return (Move.CLOSE, Outcome.SHIPPED) if facts.replacement_left else (Move.SHIPPING, None)
    if not facts.granted:
        return Move.GRANT, None
    if not facts.paid:
        return Move.PAYING, None
    # Money that went first: the case stays open until its goods are back, or until the buyer's time is over.
    after = _returning(facts) if facts.pay_first and not facts.expired else None
    return (after, None) if after is not None and after is not Move.REVIEW else (Move.CLOSE, Outcome.PAID)


def returns_goods(kind: CaseKind, *, shipped: bool) -> bool:
    """Say whether a case waits for goods."""
    return shipped and kind in NEEDS_RETURN


def pays(kind: CaseKind) -> bool:
    """Say whether a case ends with money."""
    return kind in PAYS_BACK
