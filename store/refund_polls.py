"""Refunds of which no callback came (INV-3, incident I-6): which orders a shop is asked about, how often and how many.

Level-triggered: a paid order that holds stock, has not shipped and was not asked about for a period is asked about by a
re-read row, in the last lane, so that it goes after whatever was hinted at. What the answer says is booked like a
push, and a refund releases the stock by the order's own workflow. Shops that cannot be asked are left out; what
own-shop buyers paid through a payment provider of ours is asked for by the refund's own call (store/refunds.py).
"""

from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.lanes import LATER
from domain.orders import ENDED
from domain.waits import WaitFor
from store import reread, settings_docs
from store.database import Database
from store.settings_docs import Profile

PER_SHOP = 60
"""So many orders of one shop are asked about in a round; the longest unheard first."""
_PAST = {WaitFor.SIGNATURE, WaitFor.SETTLEMENT, WaitFor.NOTHING}
_ENDED = sorted(status.value for status in ENDED)

_DUE = text(
    """
    SELECT channel, shop, no FROM (
        SELECT o.channel, o.shop, o.no, row_number() OVER (
            PARTITION BY o.channel, o.shop ORDER BY coalesce(r.asked_at, o.created_at), o.no) AS place
        FROM orders o JOIN shop s ON s.vendor = o.channel AND s.code = o.shop AND s.active AND s.answers
            LEFT JOIN reread r ON r.channel = o.channel AND r.shop = o.shop AND r.no = o.no
                AND r.about = 'order'
        WHERE o.closed_at IS NULL AND o.wait_for = ANY(CAST(:waits AS text[])) AND o.shipped_at IS NULL
            AND o.payment_status = 'paid' AND o.channel_status <> ALL(CAST(:ended AS text[]))
            AND o.created_at <= :before AND (r.no IS NULL OR r.state <> 'new' AND r.asked_at <= :before)
            AND (EXISTS (SELECT 1 FROM reservation h WHERE h.order_key = o.key AND h.state = 'open')
                OR EXISTS (SELECT 1 FROM allocation a WHERE a.order_key = o.key AND a.state = 'open'))
    ) due WHERE place <= :most ORDER BY channel, shop, no
    """
)


async def ask(database: Database, profile: Profile, now: datetime, most: int = PER_SHOP) -> int:
    """Ask about the orders that are due; return how many. Each again after the same period."""
    async with database.transaction() as tx:
        period = (await settings_docs.stock_rules(tx, profile)).refund_poll_seconds
        return await _ask(tx, now - timedelta(seconds=period), now, most)


async def _ask(tx: AsyncConnection, before: datetime, now: datetime, most: int) -> int:
    waits = sorted(what.value for what in WaitFor if what not in _PAST)
    values = {"waits": waits, "ended": _ENDED, "before": before, "most": most}
    due = (await tx.execute(_DUE, values)).all()
    for row in due:
        await reread.ask_again(tx, row, now, lane=LATER, polled=True)
    return len(due)
