"""The demo's listings: which SKU each of its shops sells under which number, and whether each was told its stock."""

from collections.abc import Iterable, Mapping

from clients.clock import utc_now
from domain.proof import ShownFact
from domain.stock_push import Listing
from store import listings
from store.database import Database
from store.reads.proof import ProofReads


async def put_listings(database: Database, there: Iterable[Mapping[str, str]]) -> None:
    """Take over what the simulated shops say that they sell, as `oms listing import` does."""
    async with database.transaction() as tx:
        await listings.put(tx, [Listing(**one) for one in there], "file", utc_now())


async def all_told(database: Database) -> bool:
    """Say whether every shop was told what it should show by now."""
    return not behind(await ProofReads(database).shown())


def behind(facts: Iterable[ShownFact]) -> set[str]:
    """Name the shops that show old numbers. A listing that its shop does not know was never told: an alert says so."""
    return {f"{one.channel}/{one.shop}" for one in facts if one.told not in {None, one.derived}}
