"""What an operator may decide about an order, and when. Owns the words and the reasons for a refusal."""

from dataclasses import dataclass
from enum import StrEnum


class Choice(StrEnum):
    """What an operator may want."""

    RETRY = "retry"
    SKIP = "skip"
    CANCEL = "cancel"
    HOLD = "hold"
    RELEASE = "release"


@dataclass(frozen=True)
class Decision:
    """One decision; `actor` is a login, never a person's name, for it becomes history."""

    choice: Choice
    actor: str
    reason: str = ""


def refuse_decision(decision: Decision, *, parked: str, held: str, shipped: bool, ended: str) -> None:
    """Raise ValueError with the reason when a decision makes no sense now."""
    if not decision.actor:
        raise ValueError("who decides? actor is empty")
    if ended:
        raise ValueError(f"the order has ended ({ended})")
    if decision.choice is Choice.RETRY and not parked:
        raise ValueError("the order is not stuck: there is nothing to retry")
    if decision.choice is Choice.SKIP and not parked:
        raise ValueError("the order is not stuck: there is nothing to skip")
    if decision.choice is Choice.RELEASE and not (held or parked):
        raise ValueError("the order is not held: there is nothing to release")
    if shipped and decision.choice in {Choice.CANCEL, Choice.HOLD}:
        raise ValueError("it has shipped: open a case instead")
    if held and decision.choice is Choice.HOLD:
        raise ValueError(f"the order is held already: {held}")
