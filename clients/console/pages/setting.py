"""/settings/{kind}: a settings document edited as a draft, tried, put in force (CFG-1)."""

import json

from markupsafe import Markup
from nicegui import ui
from starlette.requests import Request

from clients.console.frame import Desk, Frame, framed, not_allowed, page_at, told
from clients.console.html import Child, badge, body, empty, link, moment, section, tag
from clients.console.pages.settings import who, why
from clients.console.setting_draw import MOST_CHARACTERS, SHEET, Sheet, draw
from clients.console.setting_editor import Editor
from clients.console.setting_results import changes, trial, troubles
from clients.console.setting_words import document
from clients.console.stock_frame import Ask, ask, dialog_id, reason_of
from domain.errors import BadInput
from domain.permissions import Action
from store.replay import By
from store.settings_docs import DOCUMENTS
from store.settings_versions import Change

TEXTS = {
    "settings": "设置",
    "missing": "没有这份设置：{kind}。",
    "missing_next": "请回到设置列表。",
    "history": "历史和回滚",
    "active": "生效：第 {version} 版，{who}",
    "no_draft": "没有草稿：改动下面的任何一格，再保存。",
    "draft": "您的草稿基于第 {base} 版，改了 {n} 处，保存于",
    "unsaved": "有未保存的修改",
    "save": "保存草稿",
    "try": "试一试",
    "activate": "生效…",
    "yes": "生效",
    "sure": "让这份草稿生效？",
    "sure_why": "之后的判断都用它；已经开始的步骤用完它们开始时的版本。",
    "drop": "放弃草稿…",
    "drop_yes": "放弃",
    "drop_sure": "放弃草稿？",
    "drop_why": "草稿里的改动不会保留。",
    "keep": "返回",
    "nothing_to_drop": "没有草稿",
    "behind": "改草稿期间，第 {version} 版生效了（{who}：{why}）。",
    "behind_next": "两边的改动都列在下面。可以把您的改动放到新版之上；同一格两边都改过的，以您的为准。",
    "rebase": "放到第 {version} 版之上",
    "mine": "您的改动",
    "theirs": "第 {version} 版的改动",
    "json": "JSON（熟悉格式的人用）",
    "json_open": "查看或粘贴",
    "json_label": "整份设置的 JSON：改好或粘贴后，替换草稿",
    "json_yes": "替换草稿",
}


def register(desk: Desk) -> None:
    """Register the page."""

    @page_at("/settings/{kind}")
    async def setting(request: Request, kind: str) -> None:
        frame = framed(desk, request, document(kind)[0], "/settings")
        if kind in DOCUMENTS:
            await Page(frame, Editor(desk.database, desk.ring, kind, frame.session.login)).open()
        else:
            ui.html(body(empty(TEXTS["missing"].format(kind=kind), TEXTS["missing_next"])), sanitize=False)


class Page:
    """One open page of one document."""

    def __init__(self, frame: Frame, editor: Editor) -> None:
        self.frame, self.editor = frame, editor
        self.loaded = False

    async def open(self) -> None:
        """Draw the page: what is in force is kept fresh, what is being typed is left alone."""
        editor = self.editor
        acts = {"save": editor.save, "row": editor.row, "paste": editor.paste, "rebase": editor.rebase,
                "drop": editor.drop, "try": editor.try_out, "activate": self._activate}  # fmt: skip
        for name, handler in acts.items():
            self.frame.on(name, Action.EDIT_SETTINGS, handler, MOST_CHARACTERS)
        await self.frame.show(self._head)
        await self.frame.show(self._sheet, seconds=0)

    async def _activate(self, given: dict[str, str], by: By) -> str:
        return await self.editor.activate(given, Change(by.actor, reason_of(given), by.now, 0), by)

    async def _load(self) -> None:
        if self.loaded:
            await self.editor.look_around()
        else:
            await self.editor.load()
            self.loaded = True

    async def _head(self) -> Markup:
        try:
            await self._load()
        except BadInput as error:
            return body(empty(told(error)))
        editor, active = self.editor, self.editor.active
        title, governs = document(editor.kind)
        force = TEXTS["active"].format(version=active.version, who=who(active.author))
        since = [tag("strong", force), " · ", moment(active.created_at), " ", why(active.reason)]
        said: list[Child] = [tag("p", since, class_="wrap", id="in-force")]
        if editor.begun:
            words = TEXTS["draft"].format(base=editor.draft.base, n=len(editor.mine()))
            said.append(tag("p", words, " ", moment(editor.draft.changed_at), id="draft"))
        elif self.frame.may(Action.EDIT_SETTINGS):
            said.append(tag("p", TEXTS["no_draft"], class_="faint", id="draft"))
        trail = tag("h1", link("/settings", TEXTS["settings"]), " / ", title)
        history = link(f"/settings/{editor.kind}/history", TEXTS["history"])
        first = tag("section", tag("p", governs, class_="faint"), said, history, class_="card first")
        return body(trail, first, self._behind())

    def _behind(self) -> Markup | None:
        """Show both sides when another version came in force since the draft was begun."""
        editor, active = self.editor, self.editor.active
        if not (editor.begun and editor.behind):
            return None
        words = TEXTS["behind"].format(version=active.version, who=who(active.author), why=why(active.reason))
        press = tag(
            "button",
            TEXTS["rebase"].format(version=active.version),
            data_act="rebase",
            data_form=SHEET,
            id="act-rebase",
        )
        both = tag("div", changes(editor.mine(), TEXTS["mine"]),
                   changes(editor.theirs(), TEXTS["theirs"].format(version=active.version)), class_="grid")  # fmt: skip
        said = [
            tag("p", badge(words, "warn"), role="alert"),
            tag("p", TEXTS["behind_next"]),
            tag("div", press, class_="row"),
        ]
        return tag("div", tag("section", said, class_="card first warn", id="behind"), both)

    async def _sheet(self) -> Markup:
        if not self.loaded:
            return Markup()
        editor = self.editor
        off = not self.frame.may(Action.EDIT_SETTINGS)
        self._move()
        sheet = Sheet({one.name: one.words for one in editor.faults}, off)
        drawn = draw(editor.shape, editor.draft.body, sheet)
        form = tag("form", drawn, id=SHEET, data_warn=True, data_drawn=editor.drawn, class_="card sheet")
        parts: list[Child] = [self._bar(off), troubles(editor.faults)]
        parts += [trial(editor.trial)] if editor.trial else []
        parts += [form, changes(editor.mine()) if editor.begun and not editor.behind else None, self._json(off)]
        return tag("div", parts, self._dialogs(), class_="below")

    def _move(self) -> None:
        """Let the browser go on where the person works."""
        editor = self.editor
        if editor.focus:
            ui.run_javascript(f"window.steadfast && steadfast.focus({json.dumps(editor.focus)})")
        if editor.look:
            ui.run_javascript(f"window.steadfast && steadfast.look({json.dumps(editor.look)})")
        editor.focus = editor.look = ""

    def _bar(self, off: bool) -> Markup:
        why_not = not_allowed(Action.EDIT_SETTINGS) if off else ""
        told_in: dict[str, str | bool | None] = {
            "disabled": off,
            "data_off": off,
            "aria_describedby": "why-off" if off else None,
        }
        press = {"data_form": SHEET, **told_in}
        drop = told_in if off or self.editor.begun else {"disabled": True, "title": TEXTS["nothing_to_drop"]}
        buttons = [
            tag("button", TEXTS["save"], data_act="save", id="act-save", **press),
            tag("button", TEXTS["try"], data_act="try", id="act-try", **press),
            tag(
                "button",
                TEXTS["activate"],
                data_dialog=dialog_id("activate"),
                id="act-activate",
                class_="primary",
                **told_in,
            ),
            tag("button", TEXTS["drop"], data_dialog=dialog_id("drop"), id="act-drop", class_="danger", **drop),
        ]
        mark = tag("span", badge(TEXTS["unsaved"], "warn"), class_="unsaved", hidden=True)
        return tag(
            "div", buttons, mark, tag("small", why_not, id="why-off", class_="why") if off else None, class_="bar-acts"
        )

    def _dialogs(self) -> list[Markup]:
        sure = ask(Ask("activate", TEXTS["sure"], TEXTS["sure_why"], TEXTS["yes"]), form=SHEET)
        row = tag("div", tag("button", TEXTS["keep"], type="button", data_close=True),
                  tag("button", TEXTS["drop_yes"], class_="primary danger", type="submit"), class_="row")  # fmt: skip
        form = tag("form", tag("h2", TEXTS["drop_sure"]), tag("p", TEXTS["drop_why"]), row, data_act="drop")
        return [sure, tag("dialog", form, id=dialog_id("drop"), aria_label=TEXTS["drop_sure"])]

    def _json(self, off: bool) -> Markup:
        words = json.dumps(self.editor.draft.body, ensure_ascii=False, indent=2)
        area = tag("textarea", words, name="json", id="json", rows=16, class_="mono", maxlength=MOST_CHARACTERS,
                   disabled=off, spellcheck="false")  # fmt: skip
        entry = tag("label", tag("span", TEXTS["json_label"]), area)
        press = tag("button", TEXTS["json_yes"], id="act-paste", disabled=off, data_off=off)
        form = tag("form", entry, press, data_act="paste", class_="stacked")
        return section(TEXTS["json"], tag("details", tag("summary", TEXTS["json_open"]), form), id="json-view")
