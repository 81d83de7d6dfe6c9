"""Red-letter invoice drafts in SQL (FIN-7): one per refund; finance confirms, nothing is issued here."""

import hashlib
from dataclasses import astuple, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.errors import BadInput
from domain.invoices import RED_LETTER, RedLetterAsk, RedLine, red_lines, refuse_blue, refuse_part
from domain.outgoing import Call, Queue
from store import audit, calls
from store.database import Database

NO_INVOICE = "no invoice of this order is known: give the number of the blue one, or nothing was issued"
NO_ACCOUNT = "no account for invoices is connected (oms shop add nuonuo): make it by hand, then confirm"
A_PART = (
    "only a part is paid back, and no service tells us the lines of the blue invoice: "
    "give them with its number, or make it by hand, then confirm"
)
ASKED = "the service was asked for the draft and has not answered yet: wait for its answer"
MADE = "the draft is made already: have it withdrawn at the service, make another one by hand, then confirm"

_DRAFT = text(
    """
    INSERT INTO red_letter_draft (key, exception_no, order_key, amount_minor, currency, state, reason, made_at)
    VALUES (:key, :no, :order_key, :amount, :currency, 'no_invoice', :reason, :now) ON CONFLICT DO NOTHING
    """
)


_LOCK = text("SELECT * FROM red_letter_draft WHERE exception_no = :no FOR UPDATE")
_WHAT = text("SELECT * FROM red_letter_draft WHERE key = :key")
_ORDER = text("SELECT paid_minor FROM orders WHERE key = :key")
_ACCOUNT = text("SELECT vendor, code FROM shop WHERE active AND role = 'invoices' ORDER BY vendor, code LIMIT 1")
_WANTED = text(
    """
    UPDATE red_letter_draft SET state = 'wanted', blue_invoice_no = :blue, reason = :reason, vendor = :vendor,
        account = :account, lines = :lines
    WHERE key = :key
    """
).bindparams(bindparam("lines", type_=JSONB))
_CONFIRMED = text(
    """
    UPDATE red_letter_draft SET state = 'confirmed', reason = '', confirmed_at = :now, confirmed_by = :actor
    WHERE key = :key
    """
)
_NOTED = text(
    """
    UPDATE red_letter_draft SET state = :state, reason = :reason, bill_no = :bill, drafted_at = :now
    WHERE key = :key AND state IN ('wanted', 'refused')
    """
)


async def draft(tx: AsyncConnection, row: Row[Any], now: datetime) -> None:
    """Make the draft of an exception's refund; without a known invoice it waits for its number, saying so."""
    values = {
        "key": f"red:{row.no}",
        "no": row.no,
        "order_key": row.order_key,
        "amount": row.amount_minor or 0,
        "currency": row.currency,
        "reason": NO_INVOICE,
        "now": now,
    }
    await tx.execute(_DRAFT, values)
    await audit.write(tx, "red_letter.made", row.no, now, actor="routing", state="no_invoice")


@dataclass(frozen=True, slots=True)
class Blue:
    """The blue invoice as finance names it: its number, and for a part its lines that turn red, one a row."""

    no: str
    lines: str = ""


async def set_invoice(tx: AsyncConnection, exception_no: str, blue: Blue, actor: str, now: datetime) -> str:
    """Say which invoice a draft turns red; ask for the draft where that can be done. Gives its state.

    BadInput when the number is none, a line cannot be read, the lines are not what is paid back, or the draft
    is made already or being made. A part without lines is made by hand: no service tells us those of a blue invoice.
    """
    if words := refuse_blue(blue.no):
        raise BadInput(words)
    row = await _open_one(tx, exception_no, actor)
    lines = _lines(blue.lines, row.amount_minor)
    written = [list(astuple(line)) for line in lines]
    if row.vendor and row.state in {"wanted", "drafted"}:
        if (row.blue_invoice_no, row.lines) == (blue.no, written):
            return str(row.state)
        raise BadInput(ASKED if row.state == "wanted" else MADE)
    order = (await tx.execute(_ORDER, {"key": row.order_key})).one()
    place = (await tx.execute(_ACCOUNT)).one_or_none()
    reason = ""
    if place is None:
        reason = NO_ACCOUNT
    elif row.amount_minor != order.paid_minor and not lines:
        reason = A_PART
    vendor, code = (place.vendor, place.code) if place and not reason else ("", "")
    values = {"key": row.key, "blue": blue.no, "reason": reason, "vendor": vendor, "account": code, "lines": written}
    await tx.execute(_WANTED, values)
    await audit.write(tx, "red_letter.invoice", exception_no, now, actor=actor, state="wanted", lines=len(lines))
    if vendor:
        payload = {"red_letter": row.key, "at": now.isoformat()}
        await calls.add(tx, Queue(RED_LETTER, vendor, code), _call_key(row.key, blue.no, lines), row.order_key, payload)
    return "wanted"


def _lines(given: str, paid_back_minor: int) -> tuple[RedLine, ...]:
    try:
        lines = red_lines(given)
    except ValueError as fault:
        raise BadInput(str(fault)) from None
    if lines and (words := refuse_part(lines, paid_back_minor)):
        raise BadInput(words)
    return lines


def _call_key(key: str, blue_no: str, lines: tuple[RedLine, ...]) -> str:
    """Name the call by what it asks for, so that mended lines are asked for anew and the same ones once."""
    part = f":{hashlib.sha256(repr(lines).encode()).hexdigest()[:12]}" if lines else ""
    return f"{key}:{blue_no}{part}"


async def confirm(tx: AsyncConnection, exception_no: str, actor: str, now: datetime) -> str:
    """Note that finance confirmed the red letter at the tax office; gives its state. BadInput when it is confirmed."""
    row = await _open_one(tx, exception_no, actor)
    await tx.execute(_CONFIRMED, {"key": row.key, "actor": actor, "now": now})
    await audit.write(tx, "red_letter.confirmed", exception_no, now, actor=actor)
    return "confirmed"


async def _open_one(tx: AsyncConnection, exception_no: str, actor: str) -> Row[Any]:
    row = (await tx.execute(_LOCK, {"no": exception_no})).one_or_none()
    if row is None:
        raise BadInput(f"exception {exception_no} has no red letter")
    if not actor.strip():
        raise BadInput("who does it? actor is empty")
    if row.state == "confirmed":
        raise BadInput("the red letter is confirmed already")
    return row


class SqlRedLetters:
    """The drafts behind outgoing calls. Implements activities/red_letters.py: RedLetters."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def ask(self, call: Call) -> RedLetterAsk | None:
        """Give what to ask for; None when the draft is not wanted any more, or of another invoice or other lines."""
        async with self._database.transaction() as tx:
            row = (await tx.execute(_WHAT, {"key": call.payload["red_letter"]})).one_or_none()
        if row is None or row.state not in {"wanted", "refused"}:
            return None
        lines = tuple(RedLine(*line) for line in row.lines)
        if call.key != _call_key(row.key, row.blue_invoice_no, lines):
            return None
        return RedLetterAsk(row.exception_no, row.order_key.split(":", 2)[2], row.blue_invoice_no, lines)

    async def drafted(self, call: Call, bill_no: str, now: datetime) -> None:
        """Note that the draft is made."""
        await self._note(call, ("drafted", "", bill_no), now)

    async def refused(self, call: Call, reason: str, now: datetime) -> None:
        """Note that it is not, and why."""
        await self._note(call, ("refused", reason[:300], ""), now)

    async def _note(self, call: Call, what: tuple[str, str, str], now: datetime) -> None:
        state, reason, bill_no = what
        values = {"key": call.payload["red_letter"], "state": state, "reason": reason, "bill": bill_no, "now": now}
        async with self._database.transaction() as tx:
            if (await tx.execute(_NOTED, values)).rowcount:
                no = values["key"].partition(":")[2]
                await audit.write(tx, f"red_letter.{state}", no, now, actor="drain", words=reason)
