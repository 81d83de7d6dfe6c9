"""/search: paste anything. One order opens at once; several are listed with what was matched."""

import re

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import RedirectResponse

from clients.console.case_lists import case_url
from clients.console.frame import TEXTS as FRAME_TEXTS
from clients.console.frame import Desk, framed, page_at
from clients.console.html import badge, body, empty, failure, order_url, tag
from clients.console.lists import order_table
from clients.console.words import SEARCHED
from domain.errors import Broken, Unavailable
from store.reads.order_search import Found, OrderSearch

TEXTS = {
    "title": "搜索",
    "ask": "输入订单号、运单号、履约单号、手机号或买家编号，可以一次粘贴多个。",
    "hit": "“{word}”按{kind}匹配",
    "missed": "没有找到：",
    "missed_next": "请核对号码；较早的订单请用完整订单号。",
    "masked": "带星号的手机号不能搜索，请用完整号码或订单号：",
    "left_out": "只搜索了前面的号码，还有 {n} 个没有搜索。",
}
CASE_NO = re.compile(r"[Cc]\d{10,}", re.ASCII)
"""The number of an after-sales case: its page opens, or says that there is none."""


def register(desk: Desk) -> None:
    """Register the page."""
    search = OrderSearch(desk.database, desk.ring)

    @page_at("/search")
    async def results(request: Request) -> RedirectResponse | None:
        words = request.query_params.get("q", "")
        if CASE_NO.fullmatch(words.strip()):
            return RedirectResponse(case_url(words.strip().upper()), 303)
        try:
            found = await search.find(words)
        except (Unavailable, Broken):
            await _show(desk, request, failure(FRAME_TEXTS["unreadable"]))
            return None
        if _one(found):
            return RedirectResponse(order_url(found.keys[0]), 303)
        await _show(desk, request, _found(found, words))
        return None


def _one(found: Found) -> bool:
    """Only a whole number opens its order; a beginning might have meant another one."""
    return len(found.keys) == 1 and found.exact == found.keys and not found.missed and not found.masked


async def _show(desk: Desk, request: Request, content: Markup) -> None:
    frame = framed(desk, request, TEXTS["title"], "")

    async def read() -> Markup:
        return body(tag("h1", TEXTS["title"]), content)

    await frame.show(read, seconds=0)


def _found(found: Found, words: str) -> Markup:
    if not words.strip():
        return empty(TEXTS["ask"])
    parts = [
        tag(
            "section",
            tag("h2", TEXTS["hit"].format(word=hit.word, kind=SEARCHED[hit.kind])),
            order_table(hit.orders, ""),
            class_="card",
        )
        for hit in found.hits
    ]
    if found.masked:
        parts.append(tag("p", badge(TEXTS["masked"] + "、".join(found.masked), "warn")))
    if found.missed:
        parts.append(tag("p", tag("strong", TEXTS["missed"] + "、".join(found.missed)), " ", TEXTS["missed_next"]))
    if found.left_out:
        parts.append(tag("p", TEXTS["left_out"].format(n=found.left_out)))
    return Markup().join(parts)
