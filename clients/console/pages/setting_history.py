"""/settings/{kind}/history: every version with who and why, any two side by side, and the way back (CFG-1)."""

from collections.abc import Sequence
from typing import Any

from markupsafe import Markup
from nicegui import ui
from starlette.requests import Request

from clients.console.forms import cards
from clients.console.frame import Desk, Frame, framed, not_allowed, page_at
from clients.console.html import Child, badge, body, empty, link, moment, tag, url
from clients.console.pages.settings import who, why
from clients.console.setting_diff import compare
from clients.console.setting_results import changes
from clients.console.setting_shapes import record_of
from clients.console.setting_words import document
from clients.console.stock_frame import Ask, ask, dialog_id, reason_of
from domain.errors import BadInput
from domain.permissions import Action
from store import settings_docs
from store.replay import By
from store.settings_faults import schema
from store.settings_versions import Change, SettingVersions

TEXTS = {
    "settings": "设置",
    "history": "历史",
    "missing": "没有这份设置：{kind}。",
    "missing_next": "请回到设置列表。",
    "none": "还没有任何版本。",
    "none_next": "启动一次工作进程，就会带来出厂设置。",
    "version": "版本",
    "who": "谁",
    "when": "何时",
    "why": "原因",
    "acts": "操作",
    "active": "生效中",
    "previous": "改了什么",
    "against": "和生效的比",
    "back": "回到这一版…",
    "is_active": "正在生效",
    "sure": "回到第 {to} 版？",
    "sure_why": "会生成一个新版本，内容和第 {to} 版一样；历史不会丢。",
    "yes": "回到第 {to} 版",
    "back_done": "已回到第 {to} 版的内容，现在是第 {version} 版。",
    "compare": "比较",
    "old": "原来",
    "new": "改后",
    "title": "第 {old} 版 → 第 {new} 版",
    "same": "这两版内容一样。",
    "bad_version": "没有这一版",
}
MOST_VERSIONS = 200


def register(desk: Desk) -> None:
    """Register the page."""

    @page_at("/settings/{kind}/history")
    async def history(request: Request, kind: str) -> None:
        frame = framed(desk, request, f"{document(kind)[0]} {TEXTS['history']}", "/settings")
        if kind in settings_docs.DOCUMENTS:
            await _draw(desk, frame, kind, request)
        else:
            ui.html(body(empty(TEXTS["missing"].format(kind=kind), TEXTS["missing_next"])), sanitize=False)


async def _draw(desk: Desk, frame: Frame, kind: str, request: Request) -> None:
    versions = SettingVersions(desk.database)
    chosen = (_number(request.query_params.get("old", "")), _number(request.query_params.get("new", "")))

    async def read() -> Markup:
        rows = (await versions.rows(kind))[:MOST_VERSIONS]
        named = link(f"/settings/{kind}", document(kind)[0])
        trail = tag("h1", link("/settings", TEXTS["settings"]), " / ", named, " / ", TEXTS["history"])
        if not rows:
            return body(trail, empty(TEXTS["none"], TEXTS["none_next"]))
        heads = {name: TEXTS[name] for name in ("version", "who", "when", "why", "acts")}
        off = not frame.may(Action.EDIT_SETTINGS)
        refused = tag("p", not_allowed(Action.EDIT_SETTINGS), class_="faint why") if off else None
        listed = cards(heads, [_row(kind, row, rows, off) for row in rows])
        return body(trail, _choice(kind, rows, chosen), _compared(kind, rows, chosen), refused, listed)

    async def dialogs() -> Markup:
        rows = (await versions.rows(kind))[:MOST_VERSIONS]
        base = next((row.version for row in rows if row.active), 0)
        return tag("div", [_ask(row.version, base) for row in rows if not row.active])

    async def back(given: dict[str, str], by: By) -> str:
        to, base = _number(given.get("id", "")), _number(given.get("base", ""))
        if to is None or base is None:
            raise BadInput(TEXTS["bad_version"])
        done = await versions.roll_back(kind, to, Change(by.actor, reason_of(given), by.now, base))
        return TEXTS["back_done"].format(to=to, version=done.version)

    frame.on("back", Action.EDIT_SETTINGS, back)
    await frame.show(read)
    if frame.may(Action.EDIT_SETTINGS):
        await frame.show(dialogs, seconds=0)


def _row(kind: str, row: Any, rows: Sequence[Any], off: bool) -> dict[str, Child]:
    active = next((one.version for one in rows if one.active), row.version)
    before = next((one.version for one in rows if one.version < row.version), None)
    links: list[Child] = []
    if before is not None:
        links.append(link(_url(kind, before, row.version), TEXTS["previous"]))
    if not row.active:
        links.append(link(_url(kind, row.version, active), TEXTS["against"]))
        links.append(
            tag(
                "button",
                TEXTS["back"],
                data_dialog=dialog_id("back", id=row.version),
                id=f"back-{row.version}",
                disabled=off,
            )
        )
    mark = badge(TEXTS["active"], "good") if row.active else None
    return {
        "version": [tag("span", f"v{row.version}", class_="num"), " ", mark],
        "who": tag("span", who(row.author), class_="wrap"),
        "when": moment(row.created_at),
        "why": tag("span", why(row.reason), class_="wrap"),
        "acts": tag("div", links, class_="row wrap"),
    }


def _ask(to: int, base: int) -> Markup:
    sure, because, yes = (TEXTS[name].format(to=to) for name in ("sure", "sure_why", "yes"))
    return ask(Ask("back", sure, because, yes), id=to, base=base)


def _choice(kind: str, rows: Sequence[Any], chosen: tuple[int | None, int | None]) -> Markup | None:
    if len(rows) < 2:
        return None
    newest = (rows[1].version, rows[0].version)
    entries = []
    for name, preset, usual in zip(("old", "new"), chosen, newest, strict=True):
        options = [
            tag("option", f"v{row.version}", value=row.version, selected=row.version == (preset or usual))
            for row in rows
        ]
        entries.append(tag("label", tag("span", TEXTS[name]), tag("select", options, name=name, id=f"compare-{name}")))
    press = tag("button", TEXTS["compare"], id="compare")
    return tag("form", entries, press, action=f"/settings/{kind}/history", method="get", class_="filters")


def _compared(kind: str, rows: Sequence[Any], chosen: tuple[int | None, int | None]) -> Markup | None:
    found = {row.version: row for row in rows}
    old, new = (found.get(one or 0) for one in chosen)
    if old is None or new is None:
        return tag("p", badge(TEXTS["bad_version"], "warn")) if any(chosen) else None
    bodies = [settings_docs.filled(kind, row.body) for row in (old, new)]
    different = compare(record_of(schema(kind)), *bodies)
    title = TEXTS["title"].format(old=old.version, new=new.version)
    return changes(different, title) if different else tag("p", title, "：", TEXTS["same"], id="changes")


def _number(words: str) -> int | None:
    return int(words) if words.isascii() and words.isdecimal() and len(words) < 9 else None


def _url(kind: str, old: int, new: int) -> str:
    return url(f"/settings/{kind}/history", old=old, new=new)
