"""The demo asks each platform at its end which orders it has, as `oms reconcile` does; what it names has to be here."""

import asyncio
from collections.abc import Mapping, Set
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from rich.table import Table

from clients.clock import utc_now
from clients.run_file import RunFile
from clients.settings import adopt
from clients.temporal import connect
from clients.temporal_completeness import reconcile, source_of
from domain.completeness import HAND, HOUR, Mark, RollSource
from domain.proof import Finding
from store import settings_docs
from store.database import Database
from store.keyring import load_keyring
from store.reads.completeness import CheckRow, CompletenessReads
from store.settings_docs import Profile
from store.shops import Shops

WHOLE = {Mark.GREEN, Mark.HEALED, Mark.AMBER}


@dataclass(frozen=True, slots=True)
class Compared:
    """What a comparison of a whole demo came to for one shop; `hours`: what the ledger found by itself meanwhile."""

    named: int
    here: int
    missing: int
    asked: bool
    hours: int
    whole: int
    healed: int


async def compare(run: RunFile, since: datetime, deaf: Set[str]) -> dict[str, Compared]:
    """Compare every shop that says which orders it has, all at once, from a moment to now; not `deaf` ones."""
    adopt(run.environment)
    database = Database(run.environment["OMS_DATABASE_URL"], pool=4)
    try:
        sources = await _sources(database, Path(run.environment["OMS_KEYRING"]))
        client = await connect()
        begin = since.replace(microsecond=0) - timedelta(seconds=1)
        spans = [(begin, utc_now().replace(microsecond=0) - _lag(source)) for source in sources]
        pairs = [
            (one, *span) for one, span in zip(sources, spans, strict=True) if begin < span[1] and _name(one) not in deaf
        ]
        await asyncio.gather(*(reconcile(client, *pair) for pair in pairs))
        return {_name(one): await _compared(database, one, begin) for one in sources}
    finally:
        await database.close()


def unproven(compared: Mapping[str, Compared]) -> list[Finding]:
    """Name the shops whose platform has orders that are not here."""
    words = "the platform names {} orders that are not here"
    return [Finding("ledger", shop, words.format(one.missing)) for shop, one in compared.items() if one.missing]


def ledger_table(compared: Mapping[str, Compared]) -> Table:
    """Show shop by shop what its platform names, and what of it is here; one that cannot be asked proves nothing."""
    title = "Completeness: what each platform says that it has, and its hours that the ledger compared by itself"
    table = Table(title=title, box=None, pad_edge=False)
    for name in ("shop", "platform", "here", "missing", "hours", "whole", "healed"):
        table.add_column(name, justify="left" if name == "shop" else "right", no_wrap=True)
    for shop, one in sorted(compared.items()):
        figures = (one.named, one.here, one.missing) if one.asked else ("cannot be asked", "-", "-")
        table.add_row(shop, *(str(n) for n in (*figures, one.hours, one.whole, one.healed)))
    return table


async def _sources(database: Database, ring: Path) -> list[RollSource]:
    async with database.transaction() as tx:
        timing = await settings_docs.timing(tx, Profile.DEMO)
    shops = await Shops(database, load_keyring(ring)).all()
    return [source for shop in shops if (source := source_of(shop, timing)) is not None]


def _name(source: RollSource) -> str:
    return f"{source.vendor}/{source.shop}"


def _lag(source: RollSource) -> timedelta:
    return timedelta(seconds=source.rules.lag_seconds)


async def _compared(database: Database, source: RollSource, since: datetime) -> Compared:
    reads, until = CompletenessReads(database), utc_now()
    by_hand = await reads.checks(source.vendor, source.shop, since, until, HAND)
    hours = await reads.checks(source.vendor, source.shop, since, until, HOUR)
    return Compared(
        named=_sum(by_hand, "named"),
        here=_sum(by_hand, "booked"),
        missing=_sum(by_hand, "missing"),
        asked=bool(by_hand) and all(one.state is not Mark.UNASKED for one in by_hand),
        hours=len(hours),
        whole=sum(one.state in WHOLE for one in hours),
        healed=sum(one.healed_at is not None for one in hours),
    )


def _sum(checks: list[CheckRow], name: str) -> int:
    return sum(getattr(one, name) for one in checks)
