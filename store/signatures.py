"""A run of messages that cannot be verified: tells somebody, once, that a key may have changed (INT-14, I-6)."""

from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from store import alerts
from store.alerts import Level, NewAlert

MOST, WITHIN_MINUTES = 5, 5
"""The fifth message within five minutes is told."""
ALERT = "signatures"

_RECENT = text(
    """
    SELECT count(*) FROM (SELECT 1 FROM unverified
        WHERE source = :source AND shop = :shop AND received_at > :since LIMIT :most) recent
    """
)


async def watch(tx: AsyncConnection, source: str, shop: str, received_at: datetime) -> None:
    """Count one more message that is about to be kept; tell of the fifth in a row of minutes."""
    since = received_at - timedelta(minutes=WITHIN_MINUTES)
    values = {"source": source, "shop": shop, "since": since, "most": MOST}
    if (await tx.execute(_RECENT, values)).scalar_one() + 1 < MOST:
        return
    where = f"{source}/{shop}"
    words = (
        f"{MOST} messages within {WITHIN_MINUTES} min could not be verified. If the key has changed: oms shop key "
        f"{source} {shop} --secret-file FILE, then oms inbox replay --all-unverified --source {source} --shop {shop}"
    )
    await alerts.raise_alert(tx, NewAlert(ALERT, Level.CRITICAL, where, words), received_at)
