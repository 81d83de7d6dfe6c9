"""Which orders a shop has, by number: every platform's own list of what was placed (INT-9)."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from connectors import registry
from connectors.platforms.own import OwnShop
from connectors.platforms.taobao_roll import TaobaoRoll
from domain.errors import Broken, Refused
from domain.pulling import Rolled, Window
from tests.connectors.douyin_answers import asked as asked_douyin
from tests.connectors.douyin_answers import listed, order, platform
from tests.connectors.taobao_answers import asked, says
from tests.connectors.worlds import NOW, OWN, TAOBAO, Stranger, clock

WINDOW = Window(datetime(2026, 11, 22, 12, tzinfo=UTC), datetime(2026, 11, 22, 13, tzinfo=UTC))
SHOP = replace(OWN, params={"roll_url": "http://shop.example/orders"})


def top(*answers: httpx.Response) -> tuple[TaobaoRoll, Stranger]:
    stranger = Stranger(*answers)
    return TaobaoRoll(TAOBAO, stranger.client(), clock), stranger


def trades(total: int, *rows: tuple[int, str]) -> httpx.Response:
    found = [{"tid": tid, "status": "TRADE_FINISHED", "created": created} for tid, created in rows]
    return says("trades_sold_get_response", {"total_results": total, **({"trades": {"trade": found}} if found else {})})


async def test_taobao_is_asked_by_creation_in_its_own_time_and_counts() -> None:
    roll, stranger = top(trades(101, (1, "2026-11-22 20:00:00")))
    page = await roll.roll(WINDOW, "")
    form = asked(stranger)
    assert (form["method"], form["start_created"], form["end_created"]) == (
        "taobao.trades.sold.get",
        "2026-11-22 20:00:00",
        "2026-11-22 21:00:00",
    )
    assert page.rolled == (Rolled("1", "TRADE_FINISHED", WINDOW.start),)
    assert (page.total, page.next_cursor) == (101, "2")


@pytest.mark.parametrize("row", [{"created": "2026-11-22 20:00:00"}, {"tid": 1, "created": "yesterday"}, {"tid": 1}])
async def test_a_row_that_nobody_can_read_is_named(row: dict[str, object]) -> None:
    roll, _ = top(says("trades_sold_get_response", {"total_results": 1, "trades": {"trade": [row]}}))
    with pytest.raises(Broken):
        await roll.roll(WINDOW, "")


async def test_an_empty_hour_is_empty() -> None:
    roll, _ = top(trades(0))
    page = await roll.roll(WINDOW, "")
    assert (page.rolled, page.total, page.next_cursor) == ((), 0, "")


async def test_douyin_is_asked_by_creation_and_names_the_code_that_the_map_knows() -> None:
    stranger = Stranger(listed(101, order()))
    page = await platform(stranger).roll(WINDOW, "")
    told = asked_douyin(stranger.asked[0])[2]
    assert (told["create_time_start"], told["order_by"]) == (int(WINDOW.start.timestamp()), "create_time")
    assert "update_time_start" not in told
    assert [(one.no, one.raw_status) for one in page.rolled] == [(order()["order_id"], "2")]
    assert (page.total, page.next_cursor) == (101, "1")


async def test_douyin_with_more_than_it_shows_is_asked_in_halves() -> None:
    assert (await platform(Stranger(listed(10_001))).roll(WINDOW, "")).overfull


async def test_an_own_shop_is_asked_in_pages_and_signed_for() -> None:
    rows = [{"no": "D1", "status": "paid", "placed_at": "2026-11-22T20:30:00.5+08:00"}]
    stranger = Stranger(httpx.Response(200, json={"orders": rows, "pages": 2, "total": 2}))
    page = await OwnShop(SHOP, stranger.client(), clock).roll(WINDOW, "")
    query = parse_qs(urlsplit(str(stranger.asked[0].url)).query)
    assert query == {
        "placed_from": ["2026-11-22T20:00:00+08:00"],
        "placed_to": ["2026-11-22T21:00:00+08:00"],
        "page": ["1"],
    }
    assert page.rolled == (Rolled("D1", "paid", WINDOW.start + timedelta(minutes=30, seconds=0.5)),)
    assert (page.total, page.next_cursor) == (2, "2")
    assert stranger.asked[0].headers["x-steadfast-signature"]


@pytest.mark.parametrize(
    "body",
    [b"{}", b"[", json.dumps({"orders": [{"no": "1", "status": "", "placed_at": "12:00"}], "pages": 1, "total": 1})],
)
async def test_an_own_shop_that_answers_something_else_is_broken(body: bytes | str) -> None:
    with pytest.raises(Broken, match="own about roll:"):
        await OwnShop(SHOP, Stranger(httpx.Response(200, content=body)).client(), clock).roll(WINDOW, "")


async def test_an_own_shop_without_such_a_list_is_not_asked() -> None:
    assert registry.roll_rules(OWN) is None
    assert registry.roll_rules(SHOP) is not None
    with pytest.raises(Refused):
        await OwnShop(SHOP, Stranger(httpx.Response(404, json={"error": "no"})).client(), clock).roll(WINDOW, "")


def test_the_clock_of_these_tests_is_after_the_window() -> None:
    assert WINDOW.end < NOW
