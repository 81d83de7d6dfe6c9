"""What the gateway needs of every vendor that can push. Owns the shapes of a push and of its answer."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol, runtime_checkable

from domain.observations import Observation


@dataclass(frozen=True, slots=True)
class Push:
    """One HTTP request as it arrived; header names in lower case."""

    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Genuine:
    """A verified push. `key` is unique per message and shop, for ever (event id, or body hash without one).

    `sent_at` is the vendor's own clock at sending, None where the format has none.
    """

    key: str
    sent_at: datetime | None
    observations: tuple[Observation, ...]


class Outcome(StrEnum):
    """What became of a push."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    FORGED = "forged"
    UNPARSABLE = "unparsable"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the vendor gets back."""

    status: int
    content_type: str
    body: bytes


class Inbound(Protocol):
    """A connector that receives."""

    def verify(self, push: Push) -> None:
        """Raise Forged unless the push is signed with one of the shop's keys and inside its time window."""

    def parse(self, push: Push) -> Genuine:
        """Read a verified push; raise Unparsable with the field's name and what is wrong with it."""

    def answer(self, outcome: Outcome, reason: str, received_at: datetime) -> Answer:
        """Say it in the vendor's words; `reason` is empty unless forged or unparsable."""


@runtime_checkable
class Greeter(Protocol):
    """A connector whose vendor looks at our address with a GET before it pushes to it."""

    def greet(self, query: Mapping[str, str]) -> str:
        """Give what the vendor wants to hear; raise Forged when it is not the vendor who asks."""
