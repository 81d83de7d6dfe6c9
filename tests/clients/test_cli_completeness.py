"""`oms completeness`, `oms reconcile` and `oms shop silence`: what they say and how they say no (INT-8, INT-9)."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from clients.cli import completeness
from clients.clock import utc_now
from domain.completeness import HOUR, RollSource, Span, pieces
from domain.pulling import Rolled, RollRules
from domain.timing import RollTiming
from store.completeness import SqlLedger
from store.database import Database
from store.keyring import KeyRing
from store.shops import Shops
from tests.clients.worlds import Oms
from tests.connectors.worlds import OWN
from tests.store.builders import value

SOURCE = RollSource("own", "mall", RollRules(86400), RollTiming())


@pytest.fixture
async def mall(database: Database, cli_ring: KeyRing) -> SqlLedger:
    """An own shop that can be asked for one order."""
    await Shops(database, cli_ring).add(replace(OWN, answers=True), None, utc_now())
    return SqlLedger(database, cli_ring)


async def test_hours_are_shown_with_what_is_missing_and_a_gap_is_an_exit_code(oms: Oms, mall: SqlLedger) -> None:
    assert (await oms("completeness"))[0] == 0
    assert "cannot be asked, or not yet" in (await oms("completeness"))[1]
    hour = utc_now().replace(minute=0, second=0, microsecond=0) - timedelta(hours=2)
    span = Span(HOUR, hour, hour + timedelta(hours=1))
    await mall.settle(SOURCE, span, [], 0, utc_now())
    assert (await oms("completeness", "own/mall"))[0] == 0
    await mall.settle(SOURCE, span, [Rolled("LOST-1", "paid", hour)], 1, utc_now())
    code, said = await oms("completeness", "own/mall")
    assert code == 1
    assert "being filled" in said
    assert "LOST-1" in said
    assert (await oms("completeness"))[0] == 1


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("completeness", "mall"), "'mall' is not VENDOR/CODE"),
        (("reconcile", "own/nobody", "--from", "2026-11-01", "--to", "2026-11-02"), "no shop own/nobody is connected"),
        (("reconcile", "own/mall", "--from", "2026-11-01", "--to", "2026-11-02"), "import its export instead"),
        (("shop", "silence", "own", "mall", "--minutes", "0"), "'0' is not a number from 1 to 10080"),
        (("shop", "silence", "own", "nobody", "--minutes", "5"), "no shop own/nobody that sells"),
    ],
)
async def test_what_cannot_be_done_says_why(oms: Oms, mall: SqlLedger, words: tuple[str, ...], told: str) -> None:
    code, said = await oms(*words)
    assert (code, told in " ".join(said.split())) == (2, True), said


async def test_a_shops_silence_is_set(oms: Oms, database: Database, mall: SqlLedger) -> None:
    assert "told after 60 minutes" in (await oms("shop", "silence", "own", "mall", "--minutes", "60"))[1]
    assert await value(database, "SELECT silence_seconds FROM shop WHERE code = 'mall'") == 3600
    assert "told never" in (await oms("shop", "silence", "own", "mall", "--minutes", "off"))[1]
    assert await value(database, "SELECT silence_seconds FROM shop WHERE code = 'mall'") == 0


async def test_a_comparison_by_hand_prints_its_table_and_how_many_are_missing(
    oms: Oms, database: Database, cli_ring: KeyRing, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = replace(OWN, code="listed", params={"roll_url": "http://shop.example/orders"}, answers=True)
    await Shops(database, cli_ring).add(shop, None, utc_now())
    address, asked = database.engine.url.render_as_string(hide_password=False), []

    async def no_engine() -> None:
        return None

    async def compare(_: object, source: RollSource, begin: datetime, end: datetime) -> int:
        """Do what the workflow does, with a platform that names one order."""
        own = Database(address, 2)  # the command runs in a loop of its own
        for span in pieces(source, begin, end):
            asked.append(span)
            await SqlLedger(own, cli_ring).settle(source, span, [Rolled("LOST-1", "paid", begin)], 1, utc_now())
        await own.close()
        return 1

    monkeypatch.setattr(completeness, "connect", no_engine)
    monkeypatch.setattr(completeness, "compare_now", compare)
    code, said = await oms("reconcile", "own/listed", "--from", "2026-11-01", "--to", "2026-11-02T00:00:00+08:00")
    assert code == 1
    assert "1 orders at the platform, 1 missing" in said
    assert "LOST-1" in said
    assert [(one.start.isoformat(), one.end.isoformat()) for one in asked] == [
        ("2026-10-31T16:00:00+00:00", "2026-11-01T16:00:00+00:00")
    ], "a day of the shop's own"
    again = await oms("reconcile", "own/listed", "--from", "yesterday", "--to", "2026-11-02")
    assert (again[0], "'yesterday' is not a time such as 2026-11-01" in " ".join(again[1].split())) == (2, True)
