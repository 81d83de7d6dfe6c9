"""/settings: the settings documents: what each governs, which version is in force, whose drafts there are (CFG-1)."""

from collections.abc import Sequence
from typing import Any

from markupsafe import Markup
from starlette.requests import Request

from clients.console.forms import cards
from clients.console.frame import Desk, framed, page_at
from clients.console.html import Child, badge, body, empty, link, moment, tag
from clients.console.setting_words import document
from store.settings_drafts import SettingDrafts
from store.settings_versions import SettingVersions

TEXTS = {
    "title": "设置",
    "lead": "改规则不用发版，也不用重启：改草稿，在过去的订单上试一试，写明原因后生效；随时可以回到任何一版。",
    "name": "设置",
    "governs": "管什么",
    "version": "生效",
    "who": "谁",
    "when": "何时",
    "why": "原因",
    "drafts": "草稿",
    "none": "还没有任何设置。",
    "none_next": "启动一次工作进程，就会带来出厂设置。",
    "mine": "我的草稿",
    "stale": "基于旧版",
    "history": "历史",
    "shipped": "出厂设置",
}
SHIPPED = "shipped default"
FIRST = "first start"


def who(author: str) -> str:
    """Name an author."""
    return TEXTS["shipped"] if author == SHIPPED else author


def why(reason: str) -> str:
    """Say a reason; the shipped documents have none of their own."""
    return "" if reason == FIRST else reason


def register(desk: Desk) -> None:
    """Register the page."""

    @page_at("/settings")
    async def settings(request: Request) -> None:
        frame = framed(desk, request, TEXTS["title"], "/settings")

        async def read() -> Markup:
            rows = await SettingVersions(desk.database).rows()
            drafts = await SettingDrafts(desk.database).all()
            head = [tag("h1", TEXTS["title"]), tag("p", TEXTS["lead"], class_="faint")]
            if not rows:
                return body(head, empty(TEXTS["none"], TEXTS["none_next"]))
            heads = {name: TEXTS[name] for name in ("name", "governs", "version", "who", "when", "why", "drafts")}
            return body(head, cards(heads, [_row(row, drafts, frame.session.login) for row in rows]))

        await frame.show(read)


def _row(row: Any, drafts: Sequence[Any], login: str) -> dict[str, Child]:
    name, governs = document(row.kind)
    return {
        "name": link(f"/settings/{row.kind}", name, class_="open", data_key=row.kind),
        "governs": tag("span", governs, class_="wrap"),
        "version": link(f"/settings/{row.kind}/history", f"v{row.version}", class_="num", title=TEXTS["history"]),
        "who": tag("span", who(row.author), class_="wrap"),
        "when": moment(row.created_at),
        "why": tag("span", why(row.reason), class_="wrap"),
        "drafts": [_draft(one, row.version, login) for one in drafts if one.kind == row.kind],
    }


def _draft(one: Any, active: int, login: str) -> Markup:
    words = TEXTS["mine"] if one.author == login else one.author
    stale = one.base != active
    return badge(f"{words}（{TEXTS['stale']}）" if stale else words, "warn" if stale else "calm", "✎")
