"""What past orders would have been under another settings document (CFG-1). Changes nothing.

Which function tries which kind of document stands in settings_trial.py: PAST.
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.contacts import ContactForm
from domain.risk import RiskFacts, RiskRules, reasons
from domain.status_map import StatusMap, StatusMeaning
from store import contacts, settings_docs
from store.keyring import KeyRing

MOST_TRIED = 1000
"""How many past orders or cases a document is tried on, the newest first."""
MOST_SHOWN = 200
"""How many of those that change are named."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """The document in force, the one that may follow it, and the keys that open what a rule looks at."""

    was: dict[str, Any]
    becomes: dict[str, Any]
    ring: KeyRing | None = None


@dataclass(frozen=True, slots=True)
class PastChange:
    """One past order (or case) whose outcome changes; outcomes are words of the domain."""

    key: str
    before: str
    after: str


@dataclass
class Past:
    """What came of trying: how many were looked at, which change, and how many per (before, after)."""

    noun: str = "orders"
    tried: int = 0
    changed: int = 0
    rows: list[PastChange] = field(default_factory=list)
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)

    def take(self, key: str, before: str, after: str) -> None:
        """Count one; it is named when its outcome changes and the list is not full."""
        self.tried += 1
        if before == after:
            return
        self.changed += 1
        self.counts[before, after] += 1
        if len(self.rows) < MOST_SHOWN:
            self.rows.append(PastChange(key, before, after))


_MAPPED = text(
    """
    SELECT key, channel, raw_status, channel_status, channel_hold FROM orders WHERE raw_status <> channel_status
    ORDER BY created_at DESC LIMIT :most
    """
)
# As when an order is reviewed (store/review.py), at the moment of its intake.
_REVIEWED = text(
    """
    SELECT o.key, c.form, c.address_sealed,
        CASE WHEN o.ip_index = '' THEN 0 ELSE (SELECT count(*) FROM orders i WHERE i.ip_index = o.ip_index
            AND i.created_at <= o.created_at AND i.created_at > o.created_at - make_interval(mins => :was)) END AS was,
        CASE WHEN o.ip_index = '' THEN 0 ELSE (SELECT count(*) FROM orders i WHERE i.ip_index = o.ip_index
            AND i.created_at <= o.created_at AND i.created_at > o.created_at - make_interval(mins => :becomes)) END
            AS becomes,
        CASE WHEN o.buyer_index = '' THEN 0 ELSE (SELECT count(*) FROM orders b WHERE b.buyer_index = o.buyer_index
            AND b.status = 'completed' AND b.closed_at <= o.created_at) END AS completed
    FROM orders o JOIN contact c ON c.order_key = o.key ORDER BY o.created_at DESC LIMIT :most
    """
)


async def codes(tx: AsyncConnection, proposal: Proposal) -> Past:
    """Try a status map on orders whose channel speaks in codes."""
    past, becomes = Past(), settings_docs.status_map_of(1, proposal.becomes)
    for row in await tx.execute(_MAPPED, {"most": MOST_TRIED}):
        before = f"{row.channel_status}{', may not ship' if row.channel_hold else ''}"
        past.take(row.key, before, meaning_words(becomes, row.channel, row.raw_status))
    return past


def meaning_words(status_map: StatusMap, channel: str, code: str) -> str:
    """Say what a code of a channel means."""
    found: StatusMeaning | None = status_map.meaning(channel, code)
    if found is None:
        return "unknown"
    return f"{found.status.value}{'' if found.may_ship else ', may not ship'}"


async def reviews(tx: AsyncConnection, proposal: Proposal) -> Past:
    """Try risk rules on past orders: why each would be looked at."""
    was, becomes, past = _rules(proposal.was), _rules(proposal.becomes), Past()
    windows = {"was": was.ip_window_minutes, "becomes": becomes.ip_window_minutes}
    for row in await tx.execute(_REVIEWED, windows | {"most": MOST_TRIED}):
        plain = row.form == ContactForm.PLAIN and proposal.ring is not None
        address = contacts.address(proposal.ring, row.key, row.address_sealed) if plain and proposal.ring else None
        before = reasons(RiskFacts(row.was, address, row.completed), was)
        after = reasons(RiskFacts(row.becomes, address, row.completed), becomes)
        past.take(row.key, "; ".join(before), "; ".join(after))
    return past


def _rules(body: dict[str, Any]) -> RiskRules:
    return RiskRules(version=0, **settings_docs.RiskDocument.model_validate(body).model_dump())
