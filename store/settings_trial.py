"""Trying a settings document on what is stored before it is put in force (CFG-1). Changes nothing."""

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.differences import differences
from domain.status_map import StatusMap
from store import settings_docs, settings_past, settings_past_cases, unmapped
from store.database import Database
from store.keyring import KeyRing
from store.settings_past import Past, Proposal, meaning_words
from store.settings_versions import SettingVersions

# A channel that says its states in our words needs no map: what the map says of them changes no order of it.
_CODES = text(
    """
    SELECT channel, raw_status, channel_status, channel_hold, count(*) AS orders FROM orders
    WHERE raw_status <> channel_status GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
    """
)

PAST: dict[str, Callable[[AsyncConnection, Proposal], Awaitable[Past]]] = {
    "status_map": settings_past.codes,
    "risk": settings_past.reviews,
    "after_sales": settings_past_cases.rulings,
    "sla": settings_past_cases.deadlines,
}
"""Who says, per kind of document, what past orders or cases would have been: another kind is tried by a line here."""


@dataclass(slots=True)
class Trial:
    """What a document would change: lines to read, and the version that it was compared with.

    `orders`: past orders by (channel, raw code, change of meaning); `booked`: messages that it would let in.
    `past`: past orders or cases one by one; None for a kind that decides nothing that could be decided again.
    """

    base: int
    lines: list[str]
    orders: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    booked: Counter[tuple[str, str]] = field(default_factory=Counter)
    past: Past | None = None


async def try_out(database: Database, kind: str, body: dict[str, Any], ring: KeyRing | None = None) -> Trial:
    """Compare a document with the one in force, and what past orders would have been; `ring` opens their addresses."""
    settings_docs.validated(kind, body)
    active = await SettingVersions(database).one(kind)
    was = settings_docs.filled(kind, active.body)
    trial = Trial(active.version, differences(was, body))
    async with database.transaction() as tx:
        if kind in PAST:
            trial.past = await PAST[kind](tx, Proposal(was, body, ring))
        if kind == "status_map":
            await _try_codes(tx, settings_docs.status_map_of(active.version + 1, body), trial)
    return trial


async def _try_codes(tx: AsyncConnection, status_map: StatusMap, trial: Trial) -> None:
    for row in await tx.execute(_CODES):
        was, becomes = _booked(row), meaning_words(status_map, row.channel, row.raw_status)
        if was != becomes:
            trial.orders[row.channel, row.raw_status, f"{was} -> {becomes}"] += row.orders
    for code, count in (await unmapped.waiting(tx)).items():
        if status_map.meaning(*code):
            trial.booked[code] += count


def _booked(row: Row[Any]) -> str:
    return f"{row.channel_status}{', may not ship' if row.channel_hold else ''}"
