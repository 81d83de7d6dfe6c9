"""The counts of calls become rows, a rising share an alert with a way out, and that ends by itself (INT-16)."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from activities.tally import Tally
from clients.clock import utc_now
from connectors import registry
from domain.errors import RateLimited
from domain.timing import PullTiming
from store import connections
from store.database import Database
from store.keyring import KeyRing
from store.settings_docs import Profile
from store.shops import Shops
from tests.connectors.worlds import KDNIAO, OWN
from tests.store.builders import rows, value
from workers.call_limits import CallLimits, ways_of

DOUYIN = replace(OWN, vendor="douyin", code="dy")
DY = (DOUYIN.vendor, DOUYIN.code)
PACE = PullTiming(120, 300, 86400, (30,))


def called(tally: Tally, times: int, limited: int, account: tuple[str, str] = DY) -> None:
    for n in range(times):
        tally.note(account, RateLimited("too often") if n < limited else None)


async def alerts(database: Database) -> list[Any]:
    return await rows(database, "SELECT subject, words, cleared_at, cleared_by FROM alert WHERE kind = 'limits'")


async def test_two_processes_count_together_and_what_they_find_is_told_and_ends(
    database: Database, ring: KeyRing
) -> None:
    await Shops(database, ring).add(DOUYIN, None, utc_now())
    await Shops(database, ring).add(KDNIAO, None, utc_now())
    tallies, now = (Tally(), Tally()), utc_now()
    watches = [CallLimits(database, Profile.LIVE, tally) for tally in tallies]
    for tally in tallies:
        called(tally, 100, 2)
        called(tally, 30, 0, (KDNIAO.vendor, KDNIAO.code))
    for watch in watches:
        await watch.look(now - timedelta(hours=2))
    assert await alerts(database) == []
    for tally in tallies:
        called(tally, 12, 4)
    for watch in watches:
        await watch.look(now)
    assert await value(database, "SELECT sum(calls) FROM call_count") == 284
    (told,) = await alerts(database)
    assert told.subject == f"{DY[0]}/{DY[1]}"
    assert told.words.startswith(
        "8 of 24 calls within 15 min were too many for it (33 %; 2.0 % in the day before): has its limit changed?; "
        "pull it every 10 min instead of 5 min (settings timing, pull_beside_push_seconds); "
        "it can push and does not: turn its push on at the platform"
    )
    mailed = "SELECT roles, account FROM message WHERE kind = 'alert.limits'"
    assert [tuple(one) for one in await rows(database, mailed)] == [("it_owner", "mail")]
    called(tallies[0], 200, 0)
    await watches[0].look(now + timedelta(minutes=1))
    (told,) = await alerts(database)
    assert (told.cleared_at, told.cleared_by) == (now + timedelta(minutes=1), "")


async def test_counts_outlive_a_database_that_is_away_and_old_ones_go(database: Database, ring: KeyRing) -> None:
    tally, now = Tally(), utc_now()
    watch = CallLimits(database, Profile.LIVE, tally)
    called(tally, 3, 1)
    await watch.look(now - timedelta(days=4))
    called(tally, 2, 0)
    await watch.look(now)
    assert [tuple(one) for one in await rows(database, "SELECT calls, limited FROM call_count")] == [(2, 0)]
    assert tally.counts() == {}


async def test_the_ways_of_a_shop_are_those_of_its_vendor(database: Database, ring: KeyRing) -> None:
    amazon = replace(DOUYIN, vendor="amazon", code="us", params={"queue_url": ""})
    await Shops(database, ring).add(DOUYIN, None, utc_now())
    await Shops(database, ring).add(amazon, None, utc_now())
    async with database.transaction() as tx:
        shops = {one.vendor: one for one in await connections.all_shops(tx, utc_now())}
    queued = ways_of(shops["amazon"], PACE)
    assert (queued.queue_with, queued.pull_off) == (registry.vendor("amazon").queue_with, False)
    assert queued.period_setting == "pull_limited_seconds"
    assert (queued.period_seconds, ways_of(None, PACE).period_setting) == (900.0, "")
    open_queue = replace(shops["amazon"], params=[queued.queue_with])
    assert ways_of(open_queue, PACE).queue_with == ""
    off = ways_of(replace(shops["douyin"], backup=False, pushed_at=utc_now()), PACE)
    assert (off.period_setting, off.pull_off, off.pushed) == ("", False, True)
