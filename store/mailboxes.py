"""How far mail accounts are read, and their letters' way into the inbox.

Implements activities/ports_mail.py: Mailboxes. A letter is in the inbox as received before its number counts as read
(INT-11); one that is read twice is there once.
"""

import hashlib
from datetime import datetime

from sqlalchemy import text

from domain.mail import Post
from domain.outgoing import Call, Queue
from store import alerts, audit
from store.alerts import Level, NewAlert
from store.database import Database
from store.inbox import Arrival, Inbox
from store.keyring import KeyRing

FAILURES_TO_TELL = 3
"""So many failed readings in a row, and somebody is told."""
MOST_DOUBLINGS = 5
ALERT = "mailbox"

# Who fails waits twice as long each time, up to 32 periods.
_TURN = text(
    """
    INSERT INTO mailbox AS m (vendor, shop, asked_at) VALUES (:vendor, :shop, :now)
    ON CONFLICT (vendor, shop) DO UPDATE SET asked_at = :now
    WHERE m.asked_at IS NULL OR m.asked_at > :now
        OR m.asked_at + make_interval(secs => :period * power(2, least(m.failures, :most))) <= :now
    RETURNING uid_validity, last_uid
    """
)
_READ = text(
    """
    UPDATE mailbox SET uid_validity = :validity, read_at = :now, failures = 0, reason = '',
        asked_at = CASE WHEN CAST(:more AS boolean) THEN NULL ELSE asked_at END,
        last_uid = CASE WHEN uid_validity = :validity THEN greatest(last_uid, :last) ELSE :last END
    WHERE vendor = :vendor AND shop = :shop
    """
)
_FAILED = text(
    """
    UPDATE mailbox SET failures = failures + 1, reason = :reason WHERE vendor = :vendor AND shop = :shop
    RETURNING failures
    """
)


class SqlMailboxes:
    """The mail accounts of all shops."""

    def __init__(self, database: Database, ring: KeyRing, period_seconds: float) -> None:
        self._database = database
        self._inbox = Inbox(database, ring)
        self._period = period_seconds

    async def due(self, queue: Queue, now: datetime) -> list[Call]:
        """Take an account's turn when it has come; nobody else takes the same."""
        values = _names(queue) | {"now": now, "period": self._period, "most": MOST_DOUBLINGS}
        async with self._database.transaction() as tx:
            row = (await tx.execute(_TURN, values)).one_or_none()
        if row is None:
            return []
        place = {"uid_validity": row.uid_validity, "last_uid": row.last_uid}
        return [Call(0, f"letters:{queue.shop}", "", place, 0, now)]

    async def keep(self, queue: Queue, post: Post, now: datetime) -> None:
        """Store every letter, then move the place."""
        for letter in post.letters:
            headers = {"content-type": "message/rfc822"}
            arrival = Arrival(queue.vendor, queue.shop, "pull", headers, letter.raw, now)
            key = f"letter:{hashlib.sha256(letter.raw).hexdigest()}"
            await self._inbox.accept(arrival, key, None, (letter.seen,) if letter.seen else ())
        values = {
            "validity": post.uid_validity,
            "last": max((letter.uid for letter in post.letters), default=0),
            "more": post.more,
            "now": now,
        }
        async with self._database.transaction() as tx:
            await tx.execute(_READ, _names(queue) | values)
            await alerts.clear(tx, _where(queue), now, ALERT)

    async def failed(self, queue: Queue, reason: str, now: datetime) -> None:
        """Count a reading that failed; the third in a row is told to somebody."""
        async with self._database.transaction() as tx:
            failures = (await tx.execute(_FAILED, _names(queue) | {"reason": reason[:500]})).scalar_one_or_none() or 0
            if failures == FAILURES_TO_TELL:
                await audit.write(tx, "mailbox.failed", _where(queue), now, failures=failures, reason=reason[:500])
            if failures >= FAILURES_TO_TELL:
                words = f"{failures} readings in a row failed: {reason}"
                alert = NewAlert(ALERT, Level.CRITICAL, _where(queue), words)
                await alerts.raise_alert(tx, alert, now)


def _names(queue: Queue) -> dict[str, str | datetime | float | int]:
    return {"vendor": queue.vendor, "shop": queue.shop}


def _where(queue: Queue) -> str:
    return f"{queue.vendor}/{queue.shop}"
