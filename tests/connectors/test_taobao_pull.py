"""Pulling Taobao's changes: last page first, while trades move under the reader (INT-2)."""

import json
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl

import httpx
import pytest

from connectors.platforms.taobao import MAX_PAGES, PULL_RULES, TaobaoShop
from domain.errors import Broken
from domain.observations import ChannelStatus, OrderHinted
from domain.pulling import Page, Window, next_window
from domain.timing import PullTiming
from tests.connectors.taobao_answers import asked, says, taobao
from tests.connectors.worlds import TAOBAO, Stranger, clock

WINDOW = Window(datetime(2026, 11, 21, 16, tzinfo=UTC), datetime(2026, 11, 22, 13, 29, 58, tzinfo=UTC))
FIRST = 2105811697799953286


def row(number: int) -> dict[str, object]:
    return {"tid": FIRST + number, "status": "WAIT_SELLER_SEND_GOODS", "modified": "2026-11-22 21:01:03"}


class Marketplace:
    """Lists trades, newest change first, as the platform does; after each answer some of them change again."""

    def __init__(self, count: int, leaving: int = 0) -> None:
        self.listed = list(range(count))
        self.asked: list[dict[str, str]] = []
        self._leaving = leaving

    def answer(self, request: httpx.Request) -> httpx.Response:
        form = dict(parse_qsl(request.content.decode()))
        self.asked.append(form)
        size = int(form["page_size"])
        start = (int(form["page_no"]) - 1) * size
        rows = [row(number) for number in self.listed[start : start + size]]
        counted = {"total_results": len(self.listed)} if form["use_has_next"] == "false" else {"has_next": bool(start)}
        # Those that change again are modified after the end of the window: they are in the next one.
        del self.listed[: self._leaving]
        return says("trades_sold_increment_get_response", {**counted, **({"trades": {"trade": rows}} if rows else {})})

    def shop(self) -> TaobaoShop:
        return TaobaoShop(TAOBAO, httpx.AsyncClient(transport=httpx.MockTransport(self.answer)), clock)


async def pages(shop: TaobaoShop) -> list[Page]:
    found = [await shop.pull(WINDOW, "")]
    while found[-1].next_cursor:
        found.append(await shop.pull(WINDOW, found[-1].next_cursor))
        assert len(found) < 20
    return found


def numbers(found: list[Page]) -> set[int]:
    hints = [hint for page in found for hint in page.observations]
    assert all(isinstance(hint, OrderHinted) for hint in hints)
    return {int(hint.no) - FIRST for hint in hints if isinstance(hint, OrderHinted)}


async def pull(answer: httpx.Response, cursor: str = "") -> Page:
    return await taobao(Stranger(answer)).pull(WINDOW, cursor)


async def test_a_window_is_asked_for_in_the_platforms_zone_with_the_few_fields_a_hint_needs() -> None:
    market = Marketplace(0)
    await market.shop().pull(WINDOW, "")
    names = ("method", "fields", "start_modified", "end_modified", "page_no", "page_size", "use_has_next")
    assert {name: market.asked[0][name] for name in names} == {
        "method": "taobao.trades.sold.increment.get",
        "fields": "tid,status,modified",
        "start_modified": "2026-11-22 00:00:00",
        "end_modified": "2026-11-22 21:29:58",
        "page_no": "1",
        "page_size": "100",
        "use_has_next": "false",
    }


async def test_a_row_becomes_a_hint_with_its_number_to_the_last_digit_and_its_raw_status() -> None:
    answer = says("trades_sold_increment_get_response", {"total_results": 1, "trades": {"trade": [row(0)]}})
    page = await pull(answer)
    changed_at = datetime(2026, 11, 22, 13, 1, 3, tzinfo=UTC)
    assert page.observations == (
        OrderHinted(
            "taobao", "flagship", "2105811697799953286", ChannelStatus.UNMAPPED, changed_at, "WAIT_SELLER_SEND_GOODS"
        ),
    )
    assert (page.raw, page.next_cursor, page.overfull) == (answer.content, "", False)


@pytest.mark.parametrize("status", ["A_STATUS_OF_NEXT_YEAR", ""])
async def test_an_unknown_status_is_kept_raw(status: str) -> None:
    rows = [{**row(0), "status": status, "tid": 7, "tid_str": "2105811697799953287"}]
    (hint,) = (await pull(says("trades_sold_increment_get_response", {"trades": {"trade": rows}}))).observations
    assert isinstance(hint, OrderHinted)
    assert (hint.no, hint.status, hint.raw_status) == ("2105811697799953287", ChannelStatus.UNMAPPED, status)


@pytest.mark.parametrize("trades", [{}, {"trades": None}, {"trades": {}}, {"trades": ""}, {"trades": {"trade": []}}])
async def test_an_empty_window_is_an_empty_page(trades: dict[str, object]) -> None:
    page = await pull(says("trades_sold_increment_get_response", {"total_results": 0, **trades}))
    assert (page.observations, page.next_cursor) == ((), "")


@pytest.mark.parametrize(("count", "read"), [(1, ["1"]), (100, ["1"]), (101, ["1", "2", "1"]), (300, list("1321"))])
async def test_pages_are_read_from_the_last_to_the_first(count: int, read: list[str]) -> None:
    market = Marketplace(count)
    found = await pages(market.shop())
    assert [form["page_no"] for form in market.asked] == read
    assert [form["use_has_next"] for form in market.asked] == ["false"] + ["true"] * (len(read) - 1)
    assert numbers(found) == set(range(count))


@pytest.mark.parametrize("leaving", [1, 37, 100, 150])
async def test_trades_that_leave_the_window_while_it_is_read_take_none_with_them(leaving: int) -> None:
    market = Marketplace(500, leaving)
    found = await pages(market.shop())
    left = leaving * len(market.asked)
    assert numbers(found) >= set(range(min(left, 500), 500))


async def test_reading_from_the_first_page_on_would_lose_trades() -> None:
    market = Marketplace(500, leaving=37)
    shop = market.shop()
    forwards = [await shop.pull(WINDOW, str(number)) for number in (1, 2, 3, 4, 5)]
    assert not numbers(forwards) >= set(range(37 * 5, 500))


async def test_a_window_with_too_many_pages_is_asked_for_in_halves() -> None:
    answer = says("trades_sold_increment_get_response", {"total_results": MAX_PAGES * 100 + 1})
    page = await pull(answer)
    assert (page.overfull, page.observations, page.next_cursor) == (True, (), "")
    full = await pull(says("trades_sold_increment_get_response", {"total_results": MAX_PAGES * 100}))
    assert (full.overfull, full.next_cursor) == (False, str(MAX_PAGES))


@pytest.mark.parametrize("cursor", ["0", "-1", "x", "²", str(MAX_PAGES + 1), "1" * 5000])
async def test_a_cursor_that_is_not_ours_is_broken_and_asks_nothing(cursor: str) -> None:
    stranger = Stranger(says("trades_sold_increment_get_response", {}))
    with pytest.raises(Broken, match="no page from 1 to 500: begin the window anew"):
        await taobao(stranger).pull(WINDOW, cursor)
    assert stranger.asked == []


BAD_ROWS = [
    ({"tid": None}, "listed a trade without tid (trades.trade[1])"),
    ({"modified": None}, "modified of 2105811697799953287: not yyyy-MM-dd"),
    ({"modified": "0000-00-00 00:00:00"}, "modified of 2105811697799953287: "),
    ({"modified": "1970-01-01 00:00:00"}, "modified of 2105811697799953287: not between the years 2000"),
    ({"modified": ["x"]}, "trades.trade[1].modified is not a text"),
    ({"tid": "9" * 201}, "trades.trade[1].tid is longer than 200"),
]  # fmt: skip


@pytest.mark.parametrize(("wrong", "words"), BAD_ROWS)
async def test_a_row_that_cannot_be_read_parks_the_page_and_is_named(wrong: dict[str, object], words: str) -> None:
    rows = {"trade": [row(0), {**row(1), **wrong}]}
    with pytest.raises(Broken) as caught:
        await pull(says("trades_sold_increment_get_response", {"total_results": 2, "trades": rows}))
    assert words in str(caught.value)


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[]", b"null", b"<html>busy</html>", b"\xff\xfe", b"[" * 100_000, b'{"trades": {}}',
        json.dumps({"trades_sold_increment_get_response": {"total_results": 1}}).encode()[:-4],
        b'{"error_response": []}', b'{"error_response": "x"}',
    ],
)  # fmt: skip
async def test_what_is_not_the_platforms_format_is_broken(body: bytes) -> None:
    with pytest.raises(Broken, match="words that are not its format"):
        await pull(httpx.Response(200, content=body))


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"total_results": -1}, "total_results is below 0"),
        ({"total_results": "many"}, "total_results is not accepted"),
        ({"trades": {"trade": {}}}, "trades.trade is not a list"),
        ({"trades": {"trade": [row(n) for n in range(101)]}}, "trades.trade has more than 100 entries"),
        ([], "is not an object"),
    ],
)
async def test_a_list_of_another_shape_is_broken(said: object, words: str) -> None:
    with pytest.raises(Broken) as caught:
        await pull(says("trades_sold_increment_get_response", said))
    assert words in str(caught.value)


def test_the_longest_window_stays_inside_the_platforms_day_and_ends_before_now() -> None:
    now = datetime(2026, 11, 22, 13, 30, tzinfo=UTC)
    timing = PullTiming(period_seconds=60, overlap_seconds=300, reach_seconds=86_400 * 30, retries_seconds=(60.0,))
    window = next_window(None, now, PULL_RULES, timing)
    assert window is not None
    assert window.end - window.start < timedelta(days=1)
    newest = next_window(now - timedelta(minutes=1), now, PULL_RULES, timing)
    assert newest is not None
    assert newest.end < now


async def test_the_counting_answer_is_told_even_though_its_page_is_read_again() -> None:
    stranger = Stranger(
        says("trades_sold_increment_get_response", {"total_results": 101, "trades": {"trade": [row(0)]}})
    )
    page = await taobao(stranger).pull(WINDOW, "")
    assert (len(page.observations), page.next_cursor, asked(stranger)["page_no"]) == (1, "2", "1")
