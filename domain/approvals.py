"""Approvals: one person asks, another decides (four eyes). Owns who may decide and the reasons for a refusal.

What is asked for is a kind and a subject; what happens when it is approved stands with the kind's own facts.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class ApprovalState(StrEnum):
    """How an approval stands; only an open one can be decided."""

    OPEN = "open"
    APPROVED = "approved"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class Nudge(StrEnum):
    """How an approval that nobody decides is brought to mind."""

    REMIND = "remind"
    ESCALATE = "escalate"


@dataclass(frozen=True, slots=True)
class ApprovalStart:
    """What the process of an approval is started with; logins only, for it becomes history. Waits in seconds."""

    no: str
    asked_by: str
    asked_at: datetime
    remind_seconds: float
    escalate_seconds: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """One decision; `actor` is a login, never a person's name."""

    actor: str
    approve: bool
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Decided:
    """What came of a verdict: how the approval stands now, and in words what was done."""

    state: ApprovalState
    words: str


def refuse_verdict(verdict: Verdict, asked_by: str, state: ApprovalState) -> None:
    """Raise ValueError with the reason when a verdict does not count."""
    if not verdict.actor:
        raise ValueError("who decides? actor is empty")
    if state is not ApprovalState.OPEN:
        raise ValueError(f"it is {state.value} already")
    if verdict.actor.casefold() == asked_by.casefold():
        raise ValueError(f"{verdict.actor} asked for it: a second person has to decide")
    if not verdict.approve and not verdict.reason.strip():
        raise ValueError("a refusal needs a reason")
