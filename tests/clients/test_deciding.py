"""What the page says beforehand is what the workflow would say (FUL-14)."""

from zoneinfo import ZoneInfo

import pytest

from clients import temporal
from clients.console.pages.order_first import Viewer, for_buyer
from clients.deciding import why_not
from domain.observations import ChannelStatus
from store.database import Database
from store.keyring import KeyRing
from store.order_marks import SqlOrderMarks
from store.reads.order_page import OrderPage, OrderPages
from tests.conftest import NOON
from tests.store.builders import apply, key, order, planned, stocked
from workflows.decisions import Choice


async def paged(database: Database, no: str = "T1") -> OrderPage:
    page = await OrderPages(database).page(key(no))
    assert page is not None
    return page


def allowed(page: OrderPage) -> set[Choice]:
    return {choice for choice in Choice if not why_not(page, choice, "alice")}


async def test_an_order_on_its_way_can_be_held_or_cancelled_only(database: Database, ring: KeyRing) -> None:
    await stocked(database, ring, A=9)
    await planned(database, ring)
    page = await paged(database)
    assert allowed(page) == {Choice.CANCEL, Choice.HOLD}
    assert why_not(page, Choice.RETRY, "alice") == "the order is not stuck: there is nothing to retry"


async def test_a_stuck_order_can_be_retried_skipped_or_released_too(database: Database, ring: KeyRing) -> None:
    await stocked(database, ring, A=9)
    await planned(database, ring)
    await SqlOrderMarks(database).park(key(), "refused (S01): no such owner", NOON)
    assert allowed(await paged(database)) == set(Choice)


async def test_a_held_order_can_be_released_and_not_held_again(database: Database, ring: KeyRing) -> None:
    await stocked(database, ring, A=9)
    await planned(database, ring)
    await SqlOrderMarks(database).hold(key(), "a card is missing", "alice", NOON)
    page = await paged(database)
    assert allowed(page) == {Choice.RELEASE, Choice.CANCEL}
    assert why_not(page, Choice.HOLD, "alice") == "the order is held already: a card is missing"


@pytest.mark.parametrize("choice", list(Choice))
async def test_a_closed_order_takes_no_decision(database: Database, ring: KeyRing, choice: Choice) -> None:
    await apply(database, ring, order("T2", ChannelStatus.UNPAID))
    async with database.transaction() as tx:
        await tx.exec_driver_sql("UPDATE orders SET status = 'closed', closed_at = now(), close_reason = 'unpaid'")
    assert why_not(await paged(database, "T2"), choice, "alice") == "the order has ended (unpaid)"


@pytest.mark.parametrize(
    ("url", "link"), [("", None), ("https://oms.example", "[console](https://oms.example/orders/own:demo:T%2F1)")]
)
def test_a_workflow_links_back_to_the_console_where_its_address_is_known(
    monkeypatch: pytest.MonkeyPatch, url: str, link: str | None
) -> None:
    monkeypatch.setenv("OMS_CONSOLE_URL", url)
    temporal._console.cache_clear()
    assert temporal._link_back("own:demo:T/1") == link
    temporal._console.cache_clear()


async def test_a_buyer_is_promised_a_time_only_while_it_is_to_come(database: Database, ring: KeyRing) -> None:
    await stocked(database, ring, A=9)
    await planned(database, ring)
    page, zone = await paged(database), ZoneInfo("Asia/Shanghai")
    assert page.order.ship_by is not None
    assert "预计 11 月 24 日 12:00 前发出" in for_buyer(page, Viewer(zone, NOON))
    late = for_buyer(page, Viewer(zone, page.order.ship_by))
    assert "会尽快发出" in late
    assert "预计" not in late
