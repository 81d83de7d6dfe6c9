"""A new timing document counts for new orders without a restart (CFG-1)."""

from store import settings_docs
from store.database import Database
from store.settings_docs import Profile
from store.settings_versions import Change, SettingVersions
from tests.conftest import NOON
from workers.timing import TimingInForce


async def test_a_running_worker_takes_a_new_timing_document(database: Database) -> None:
    async with database.transaction() as tx:
        first = await settings_docs.timing(tx, Profile.LIVE)
    timing = TimingInForce(database, Profile.LIVE, first)
    body = (await SettingVersions(database).one("timing")).body | {"unpaid_lock_seconds": {"live": 600, "demo": 2}}
    await SettingVersions(database).activate("timing", body, Change("ann", "shorter", NOON, 1))
    assert timing.order.unpaid_lock_seconds == 1800
    await timing.look()
    assert (timing.order.unpaid_lock_seconds, timing.loop) == (600, first.loop)


async def test_without_a_database_the_last_timing_stays(database: Database) -> None:
    async with database.transaction() as tx:
        first = await settings_docs.timing(tx, Profile.DEMO)
    away = Database("postgresql://nobody@127.0.0.1:1/nothing", pool=1)
    timing = TimingInForce(away, Profile.DEMO, first)
    await timing.look()
    assert (timing.order, timing.loop) == (first.order, first.loop)
    await away.close()
