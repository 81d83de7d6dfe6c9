"""Messages as they are sent: whether one leaves now, to whom, and what came of it. Implements activities: Messages.

Owns de-duplication, quiet hours, the pace of each account and the digest of what piles up. Decided in turn per account,
so that two workers keep one pace.
"""

import hashlib
from datetime import datetime, timedelta
from typing import Any

import phonenumbers
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.contacts import ContactForm
from domain.messages import BUYER, ROBOTS, MessageRules, Outgoing, Postponed, digest, pause, quiet_until, rank
from domain.outgoing import Call, Queue
from store import alert_rows, alerts, contacts, settings_docs
from store.alert_rows import Level, NewAlert
from store.database import Database
from store.keyring import KeyRing
from store.settings_docs import Profile

REFUSED_ALERT = "message_refused"
OPEN = ("waiting", "sending", "refused")
MOST_MERGED = 100

_TURN = text("SELECT pg_advisory_xact_lock(hashtextextended('message:' || :account, 0))")
_ONE = text("SELECT * FROM message WHERE id = :id FOR UPDATE")
_LIKE = text(
    """
    SELECT id, level FROM message
    WHERE vendor = :vendor AND account = :account AND tried_at > :since AND kind = :kind AND subject = :subject
        AND id <> :id AND state IN ('sending', 'sent')
    ORDER BY id DESC
    """
)
_TRIED = text(
    """
    SELECT tried_at FROM message WHERE vendor = :vendor AND account = :account AND tried_at > :since AND id <> :id
    ORDER BY tried_at DESC LIMIT :most
    """
)
_PILED = text(
    """
    SELECT id, text FROM message
    WHERE vendor = :vendor AND account = :account AND kind = :kind AND state = 'waiting' AND id <> :id
    ORDER BY id LIMIT :most
    """
)
_MERGE = text("UPDATE message SET state = 'merged', reason = :reason, ended_at = :now WHERE id = ANY(:ids)")
_JOINED = text("UPDATE message SET title = :title, text = :text, merged = :n WHERE id = :id")
_SENDING = text("UPDATE message SET state = 'sending', reason = '', tries = tries + 1, tried_at = :now WHERE id = :id")
_WHY = text("UPDATE message SET reason = :reason WHERE id = :id")
_END = text(
    """
    UPDATE message SET state = :state, reason = :reason, receipt = :receipt, ended_at = :now
    WHERE id = :id AND state IN ('waiting', 'sending', 'refused')
    """
)
_HAS_CONTACT = text("SELECT 1 FROM contact WHERE order_key = :key")


class SqlMessages:
    """The messages of outgoing calls."""

    def __init__(self, database: Database, ring: KeyRing, profile: Profile) -> None:
        self._database = database
        self._ring = ring
        self._profile = profile

    async def prepare(self, queue: Queue, call: Call, now: datetime) -> Outgoing | Postponed | None:
        """Give what to send now, noted as tried; why it waits; None when there is nothing to send any more."""
        async with self._database.transaction() as tx:
            await tx.execute(_TURN, {"account": f"{queue.vendor}/{queue.shop}"})
            row = (await tx.execute(_ONE, {"id": call.payload["message"]})).one_or_none()
            if row is None or row.state not in OPEN:
                return None
            rules = await settings_docs.message_rules(tx, self._profile)
            if row.state == "waiting" and await self._repeats(tx, rules, row, now):
                return None
            waits = await self._waits(tx, rules, row, now)
            if waits is not None:
                await tx.execute(_WHY, {"id": row.id, "reason": waits.why})
                return waits
            return await self._take(tx, rules, row, now)

    async def sent(self, call: Call, receipt: str, now: datetime) -> None:
        """Note that a message left, and that its account takes messages."""
        async with self._database.transaction() as tx:
            row = (await tx.execute(_ONE, {"id": call.payload["message"]})).one()
            await _end(tx, row.id, ("sent", ""), now, receipt)
            await alerts.clear(tx, f"{row.vendor}/{row.account}", now, REFUSED_ALERT)

    async def refused(self, call: Call, reason: str, now: datetime) -> None:
        """Note that a vendor does not take a message, and tell it in the console."""
        async with self._database.transaction() as tx:
            row = (await tx.execute(_ONE, {"id": call.payload["message"]})).one()
            await _end(tx, row.id, ("refused", reason), now)
            account = f"{row.vendor}/{row.account}"
            words = f"a message was refused: {reason}"
            # Not said as a message: it might go the same way.
            await alert_rows.put(tx, NewAlert(REFUSED_ALERT, Level.WARNING, account, words), now)

    async def failed(self, call: Call, reason: str) -> None:
        """Note why a message did not leave yet."""
        async with self._database.transaction() as tx:
            await tx.execute(_WHY, {"id": call.payload["message"], "reason": reason[:500]})

    async def _repeats(self, tx: AsyncConnection, rules: MessageRules, row: Row[Any], now: datetime) -> bool:
        """Drop what was told a moment ago, unless it is louder now."""
        since = now - timedelta(seconds=rules.window_seconds)
        values = {"id": row.id, "kind": row.kind, "subject": row.subject, "since": since} | _place(row)
        like = [one for one in await tx.execute(_LIKE, values) if rank(one.level) >= rank(row.level)]
        if like and row.subject:
            await _end(tx, row.id, ("repeated", f"message {like[0].id} said the same"), now)
        return bool(like and row.subject)

    async def _waits(self, tx: AsyncConnection, rules: MessageRules, row: Row[Any], now: datetime) -> Postponed | None:
        until = quiet_until(rules, row.level, row.can_wait, now)
        if until is not None and row.state == "waiting":
            return Postponed((until - now).total_seconds(), f"quiet hours until {until:%H:%M} UTC")
        seconds = 0.0
        for pace in rules.paces.get(row.vendor, ()):
            since = now - timedelta(seconds=pace.seconds)
            values = {"id": row.id, "since": since, "most": pace.messages} | _place(row)
            newest = [one.tried_at for one in await tx.execute(_TRIED, values)]
            seconds = max(seconds, pause(pace, newest, now))
        return Postponed(seconds, f"{row.vendor} takes no more for {seconds:.0f} s") if seconds else None

    async def _take(self, tx: AsyncConnection, rules: MessageRules, row: Row[Any], now: datetime) -> Outgoing | None:
        mobiles, users, mails = await self._whom(tx, rules, row)
        if row.roles == BUYER and not mobiles:
            await _end(tx, row.id, ("no_phone", "the channel shows no whole mobile number of the buyer"), now)
            return None
        title, words = await self._words(tx, rules, row, now)
        await tx.execute(_SENDING, {"id": row.id, "now": now})
        return Outgoing(
            ref=hashlib.sha256(row.key.encode()).hexdigest()[:32],
            title=title,
            text=words,
            level=row.level,
            mobiles=mobiles,
            users=users,
            mails=mails,
            code=row.code,
            params=row.params,
            tried_at=row.tried_at,
        )

    async def _whom(self, tx: AsyncConnection, rules: MessageRules, row: Row[Any]) -> tuple[tuple[str, ...], ...]:
        if row.roles != BUYER:
            roles = [role for role in row.roles.split(",") if role]
            to = rules.addressees(f"{row.vendor}/{row.account}", roles)
            return to.mobiles, to.users, to.mails
        if (await tx.execute(_HAS_CONTACT, {"key": row.order_key})).one_or_none() is None:
            return (), (), ()
        contact = await contacts.load(tx, self._ring, row.order_key)
        phone = _mobile(contact.phone) if contact.form is ContactForm.PLAIN else ""
        return ((phone,) if phone else ()), (), ()

    async def _words(self, tx: AsyncConnection, rules: MessageRules, row: Row[Any], now: datetime) -> tuple[str, str]:
        """Take in what piled up of the same kind for the same robot: one digest instead of many."""
        if row.vendor not in ROBOTS or row.state != "waiting":
            return row.title, row.text
        values = {"id": row.id, "kind": row.kind, "most": MOST_MERGED} | _place(row)
        piled = list(await tx.execute(_PILED, values))
        if len(piled) + 1 < rules.merge_from:
            return row.title, row.text
        title, words = digest(row.title, [row.text, *(one.text for one in piled)])
        ids = [one.id for one in piled]
        await tx.execute(_MERGE, {"ids": ids, "reason": f"in message {row.id}", "now": now})
        await tx.execute(_JOINED, {"id": row.id, "title": title, "text": words, "n": len(ids)})
        return title, words


def _place(row: Row[Any]) -> dict[str, str]:
    return {"vendor": row.vendor, "account": row.account}


async def _end(tx: AsyncConnection, number: int, how: tuple[str, str], now: datetime, receipt: str = "") -> None:
    """End a message in a state, for a reason."""
    state, reason = how
    values = {"id": number, "state": state, "reason": reason[:500], "receipt": receipt[:200], "now": now}
    await tx.execute(_END, values)


def _mobile(phone: str) -> str:
    """Write a mainland mobile number as SMS services take it; empty when it is none."""
    try:
        number = phonenumbers.parse(phone, "CN")
    except phonenumbers.NumberParseException:
        return ""
    kinds = {phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE}
    good = phonenumbers.is_valid_number(number) and phonenumbers.number_type(number) in kinds
    return str(number.national_number) if good and number.country_code == 86 else ""
