"""The history of alerts: each opening is a row of its own, with who was told, who cleared it, and how often (OPS-3)."""

from datetime import timedelta

from store import alerts
from store.alerts import Level, NewAlert
from store.database import Database
from store.reads.alerts import AlertFilter, AlertReads, KindCount, subjects_of
from store.reads.pages import Place
from store.sweeper import purge_alerts
from tests.conftest import NOON
from tests.store.builders import change, value

HOUR = timedelta(hours=1)
SILENT = NewAlert("silence", Level.CRITICAL, "taobao/tm", "no new order")


async def opened(database: Database, hour: int, alert: NewAlert = SILENT) -> None:
    async with database.transaction() as tx:
        await alerts.raise_alert(tx, alert, NOON + hour * HOUR)


async def closed(database: Database, hour: int, by: str = "", subject: str = "taobao/tm") -> None:
    async with database.transaction() as tx:
        await alerts.clear(tx, subject, NOON + hour * HOUR, by=by)


async def test_what_opens_again_is_a_line_of_its_own_and_open_once(database: Database) -> None:
    for hour, who in ((0, "alice"), (2, "")):
        await opened(database, hour)
        await opened(database, hour)
        await closed(database, hour + 1, who)
    await opened(database, 4)
    page = await AlertReads(database).recent(AlertFilter())
    assert [(one.raised_at, one.cleared_at, one.cleared_by) for one in page.rows] == [
        (NOON + 4 * HOUR, None, ""),
        (NOON + 2 * HOUR, NOON + 3 * HOUR, ""),
        (NOON, NOON + HOUR, "alice"),
    ]
    kinds = await AlertReads(database).kinds(NOON + HOUR)
    assert kinds == {"silence": KindCount(1, 2, NOON + 4 * HOUR)}


async def test_each_opening_names_who_was_told_of_it(database: Database) -> None:
    """One with a rule is told by mail and SMS (INT-8); one without is seen on the console alone."""
    await opened(database, 0)
    await closed(database, 1)
    await opened(database, 2)
    await opened(database, 2, NewAlert("lag", Level.WARNING, "apply", "behind"))
    page = await AlertReads(database).recent(AlertFilter())
    told = await AlertReads(database).told(page.rows)
    found = {(one.kind, one.raised_at): told.get(one.id, []) for one in page.rows}
    assert found["lag", NOON + 2 * HOUR] == []
    for hour in (0, 2):
        ways = {(one.vendor, one.account, one.roles) for one in found["silence", NOON + hour * HOUR]}
        assert ways == {("smtp", "mail", "channel_owner"), ("aliyun_sms", "sms", "channel_owner")}


async def test_history_is_filtered_by_kind_and_by_everything_about_a_shop_and_is_paged(database: Database) -> None:
    for n, subject in enumerate(("taobao/tm", "taobao/tm cases", "writeback:taobao/tm", "taobao/other")):
        kind = "pull" if n < 2 else "calls_exhausted"
        await opened(database, n, NewAlert(kind, Level.WARNING, subject, "w"))
    reads, shop = AlertReads(database), AlertFilter(subjects=subjects_of("taobao/tm", ["writeback", "refund"]))
    first = await reads.recent(shop, rows=2)
    rest = await reads.recent(shop, Place(first.next), rows=2)
    assert [one.subject for one in (*first.rows, *rest.rows)] == ["writeback:taobao/tm", "taobao/tm cases", "taobao/tm"]
    assert [one.subject for one in (await reads.recent(AlertFilter(kind="pull"))).rows] == [
        "taobao/tm cases", "taobao/tm"
    ]  # fmt: skip
    assert subjects_of("own:demo:T1", ["writeback"]) == ("own:demo:T1",)
    assert subjects_of("", ["writeback"]) == ()


async def test_history_is_kept_for_more_than_a_year_and_what_is_open_for_ever(database: Database) -> None:
    await opened(database, 0)
    await closed(database, 1)
    await opened(database, 2)
    assert await purge_alerts(database, NOON + timedelta(days=399)) == 0
    assert await purge_alerts(database, NOON + timedelta(days=401)) == 1
    assert await value(database, "SELECT count(*) FROM alert WHERE cleared_at IS NULL") == 1
    await change(database, "DELETE FROM alert")
