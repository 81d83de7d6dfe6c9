"""Letters that buyers write to a mail account: how far it is read, and what one reading brought. Owns their shape."""

from dataclasses import dataclass, field

from domain.tickets import TicketObserved

LETTERS = "letters"
"""The queue that reads one mail account."""


@dataclass(frozen=True, slots=True)
class MailPlace:
    """How far an account is read: the number of the last letter, good while `uid_validity` stays; 0: never read."""

    uid_validity: int = 0
    last_uid: int = 0


@dataclass(frozen=True, slots=True)
class Letter:
    """One letter as received, cut when it is too large, and what it says; None when a machine wrote it by itself."""

    uid: int
    raw: bytes = field(repr=False)
    seen: TicketObserved | None


@dataclass(frozen=True, slots=True)
class Post:
    """What one reading brought, oldest first; `more`: further letters wait already."""

    uid_validity: int
    letters: tuple[Letter, ...]
    more: bool = False
