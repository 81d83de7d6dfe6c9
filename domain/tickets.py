"""Tickets: complaints, reminders (催单) and questions of buyers, from anywhere (EXC-4). Owns words and macros."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal

LONGEST_WORDS = 4000
MOST_NUMBERS = 50
_NAME = re.compile(r"\{(\w+)\}")
_NUMBER = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{3,63}")


class TicketKind(StrEnum):
    """What the buyer wants."""

    COMPLAINT = "complaint"
    REMINDER = "reminder"
    QUESTION = "question"


class TicketSource(StrEnum):
    """Where it came from; `paper` is typed in, `shop` our own shop's webhook."""

    WECHAT = "wechat"
    MAIL = "mail"
    PAPER = "paper"
    PHONE = "phone"
    CHANNEL = "channel"
    SHOP = "shop"


class TicketState(StrEnum):
    """Where a ticket is: nobody answered, somebody did, it is done."""

    NEW = "new"
    ANSWERED = "answered"
    CLOSED = "closed"


class TicketChoice(StrEnum):
    """What is done with a ticket. ASKED: the buyer wrote again; MOVED: it belongs to another order."""

    TAKE = "take"
    HAND_OVER = "hand_over"
    ANSWER = "answer"
    NOTE = "note"
    ASKED = "asked"
    ATTACH = "attach"
    CLOSE = "close"
    REOPEN = "reopen"


@dataclass(frozen=True, slots=True)
class Beside:
    """What comes with words that a machine brought: how to reach the buyer, pictures by address, what was left out.

    `inbox_id` is the message as received (INT-11).
    """

    contact: str = field(default="", repr=False)
    photos: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    inbox_id: int | None = None


NOTHING_BESIDE = Beside()


@dataclass(frozen=True, slots=True)
class NewTicket:
    """A ticket as it comes in; `request_key`, a form's nonce or a message's id, makes it one; `order_key` may be "".

    `nonce` names the message that opens it, `named_order` an order's number as it was told, known here or not.
    """

    kind: TicketKind
    source: TicketSource
    words: str = field(repr=False)
    request_key: str
    opened_by: str
    order_key: str = ""
    nonce: str = ""
    named_order: str = ""
    beside: Beside = NOTHING_BESIDE


@dataclass(frozen=True, slots=True)
class TicketDecision:
    """One thing that somebody does with a ticket; `actor` is a login."""

    choice: TicketChoice
    actor: str
    words: str = field(default="", repr=False)
    owner: str = ""
    order_key: str = ""
    beside: Beside = NOTHING_BESIDE


@dataclass(frozen=True, slots=True)
class TicketObserved:
    """One message of a buyer to a shop or a mail account, or of a platform about a case (EXC-4).

    `thread` is the sender's name of the conversation, `message_id` that of this message in it. `answers` are the
    messages that a letter answers, `ticket_no` a ticket of ours that it names. `order_no` and `case_no` are the
    channel's; `notes` say what of it was left out, and why.
    """

    channel: str
    shop: str
    thread: str
    message_id: str
    ticket_kind: TicketKind
    source: TicketSource
    said_at: datetime
    words: str = field(repr=False)
    order_no: str = ""
    case_no: str = ""
    contact: str = field(default="", repr=False)
    photos: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    answers: tuple[str, ...] = ()
    ticket_no: str = ""
    kind: Literal["ticket"] = "ticket"


def refuse_new(new: NewTicket) -> str:
    """Say why a ticket cannot be opened; empty when it can."""
    if not new.opened_by.strip():
        return "who types it in? actor is empty"
    return _refuse_words(new.words)


def refuse_decision(decision: TicketDecision, state: TicketState) -> str:
    """Say why something makes no sense now; empty when it does."""
    choice = decision.choice
    if not decision.actor.strip():
        return "who does it? actor is empty"
    if choice is TicketChoice.REOPEN:
        return "" if state is TicketState.CLOSED else f"the ticket is {state.value}: only a closed one is opened again"
    if state is TicketState.CLOSED and choice not in {TicketChoice.ASKED, TicketChoice.NOTE}:
        return "the ticket is closed; open it again first"
    if choice is TicketChoice.HAND_OVER and not decision.owner.strip():
        return "to whom? owner is empty"
    if choice is TicketChoice.ATTACH and not decision.order_key.strip():
        return "to which order? order_key is empty"
    said = {TicketChoice.ANSWER, TicketChoice.NOTE, TicketChoice.ASKED}
    return _refuse_words(decision.words) if choice in said else ""


def _refuse_words(words: str) -> str:
    if not words.strip():
        return "there are no words"
    most = f"{len(words)} characters; at most {LONGEST_WORDS} fit"
    return most if len(words) > LONGEST_WORDS else ""


def order_numbers(words: str) -> tuple[str, ...]:
    """List what may be the number of an order or of a parcel in free words: letters and digits with a digit in it."""
    found = (one for one in _NUMBER.findall(words) if any(sign.isdigit() for sign in one))
    return tuple(dict.fromkeys(found))[:MOST_NUMBERS]


def kind_of(words: str) -> TicketKind:
    """Guess what a buyer wants of free words; somebody reads them anyway."""
    if "投诉" in words:
        return TicketKind.COMPLAINT
    return TicketKind.REMINDER if "催" in words else TicketKind.QUESTION


FACTS = ("order", "status", "next", "waybill", "agent")
"""What a macro may ask for: the order's number, its state, what comes next, its waybills, who answers."""


def refuse_macro(text: str) -> str:
    """Say why a macro cannot be saved; empty when it can."""
    if words := _refuse_words(text):
        return words
    unknown = sorted(set(_NAME.findall(text)) - set(FACTS))
    known = ", ".join(f"{{{name}}}" for name in FACTS)
    return f"nobody knows {', '.join(f'{{{name}}}' for name in unknown)}; there are {known}" if unknown else ""


def fill(text: str, facts: Mapping[str, str]) -> str:
    """Fill a macro; what is not known stays in braces, so that somebody sees it before it is sent."""
    return _NAME.sub(lambda found: facts.get(found[1]) or found[0], text)
