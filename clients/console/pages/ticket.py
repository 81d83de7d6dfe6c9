"""/service/{no}: one ticket: what the buyer said, a drafted answer, macros, the log, and what can be done (EXC-4)."""

from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup
from starlette.requests import Request

from clients.console.forms import Ask, dialog, facts, opener
from clients.console.forms import field as entry
from clients.console.frame import Desk, Frame, Handler, framed, not_allowed, page_at
from clients.console.html import Child, age, body, countdown, empty, link, moment, section, tag
from clients.console.lists import zone_of
from clients.console.pages.exception_form import ExceptionForm
from clients.console.pages.order_first import Viewer, for_buyer
from clients.console.service_frame import (
    BOARD,
    MOST_WORDS,
    Nonces,
    order_link,
    owner_of,
    sections,
    service_of,
    service_only,
    state_badge,
)
from clients.console.service_words import ENTRIES, SOURCES, TICKETS
from clients.console.words import STATUSES, said
from domain.permissions import Action
from domain.tickets import Beside, TicketChoice, TicketDecision, TicketState, fill, refuse_decision
from store import macros
from store.reads.order_page import OrderPage, OrderPages
from store.reads.service import ServiceReads, TicketPage
from store.replay import By

TEXTS = {
    "title": "工单",
    "missing": "没有这张工单：{no}",
    "missing_next": "请回到客服看板查找。",
    "first": "{kind}（{source}）",
    "order": "订单",
    "named_order": "来信里的订单号",
    "unknown_order": "{no}（系统里没有，请核对后关联订单）",
    "case": "售后单",
    "contact": "联系方式：{words}",
    "photo": "图片 {n}",
    "left_out": "未收录：{words}",
    "raw": "原始消息",
    "exception": "异常单",
    "owner": "负责人",
    "due": "期限",
    "opened": "收到",
    "log": "记录（新的在后）",
    "draft": "建议答复",
    "no_draft": "关联订单后，这里会按订单进度写好一段答复。",
    "copy": "复制",
    "macros": "快捷语",
    "no_macros": "还没有快捷语。",
    "answer": "答复（记入工单和订单）",
    "send": "记录答复",
    "acts": "处理",
    "others": "这位买家的其他工单",
    "take": "由我负责",
    "hand_over": "转交",
    "attach": "关联订单",
    "note": "加备注",
    "asked": "买家又来问",
    "close": "关闭",
    "reopen": "重新打开",
    "macro": "新增快捷语",
    "to": "转交给（登录名）",
    "which": "订单号、运单号或手机号",
    "words": "内容（加密保存）",
    "code": "编号",
    "name": "名称",
    "text": "内容，可用 {order} {status} {next} {waybill} {agent}",
    "explain": "会记入工单和订单的经过。",
    "explain_macro": "所有客服都能用；花括号里的词会换成订单的内容。",
    "done": "{no}：{what}。",
    "saved": "快捷语已保存。",
}
DIALOGS = (TicketChoice.HAND_OVER, TicketChoice.ATTACH, TicketChoice.NOTE, TicketChoice.ASKED)
PLAIN = (TicketChoice.TAKE, TicketChoice.CLOSE, TicketChoice.REOPEN)
MACRO, ANSWER = "save_macro", TicketChoice.ANSWER.value


def register(desk: Desk) -> None:
    """Register the page."""

    @page_at(BOARD + "/{no}")
    async def one(request: Request, no: str) -> None:
        await _draw(desk, request, no)


async def _draw(desk: Desk, request: Request, no: str) -> None:
    frame, reads = framed(desk, request, no, BOARD), ServiceReads(desk.database, desk.ring)
    acts, viewer = TicketActs(frame, no), Viewer(zone_of(request), desk.clock())
    found = await reads.ticket(no) if frame.may(Action.SEE_SERVICE) else None
    form = ExceptionForm(frame, found.row.order_key, no) if found and found.row.order_key else None

    async def read() -> Markup:
        page = await reads.ticket(no)
        head = [sections(""), tag("h1", link(BOARD, TEXTS["title"]), " / ", tag("span", no, class_="num"))]
        if page is None:
            return body(head, empty(TEXTS["missing"].format(no=no), TEXTS["missing_next"]))
        order = await OrderPages(desk.database).page(page.row.order_key) if page.row.order_key else None
        async with desk.database.transaction() as tx:
            kept = await macros.all_macros(tx)
        left = tag("div", _log(page), acts.answer(page, _draft(order, viewer)))
        right = tag("div", _macros(kept, _filled(order, viewer, frame)), _others(page))
        return body(head, _first(page), acts.buttons(page, form), tag("div", left, right, class_="two"))

    async def dialogs() -> Markup:
        return acts.dialogs() + (await form.dialog() if form else Markup())

    await frame.show(service_only(frame, read))
    if frame.may(Action.HANDLE_EXCEPTION):
        await frame.show(dialogs, seconds=0)


def _first(page: TicketPage) -> Markup:
    row = page.row
    told = TEXTS["first"].format(kind=TICKETS[row.kind], source=SOURCES[row.source])
    named = TEXTS["unknown_order"].format(no=row.named_order)
    shown = facts({
        TEXTS["order"]: order_link(row.order_key),
        TEXTS["named_order"]: named if not row.order_key and row.named_order else None,
        TEXTS["case"]: link(f"/cases/{row.case_no}", row.case_no) if row.case_no else None,
        TEXTS["exception"]: link(f"/exceptions/{row.exception_no}", row.exception_no) if row.exception_no else None,
        TEXTS["owner"]: owner_of(row.owner),
        TEXTS["due"]: countdown(row.due_at) if row.due_at else None,
        TEXTS["opened"]: [moment(row.opened_at), " ", age(row.opened_at)],
    })  # fmt: skip
    tone = "warn" if row.state == TicketState.NEW else "good"
    return tag("section", tag("p", state_badge(row.state), " ", told, class_="big"), shown, class_=f"card first {tone}")


def _log(page: TicketPage) -> Markup:
    items = [
        tag("li", moment(row.at), tag("div", tag("strong", ENTRIES.get(row.kind, row.kind)), " ",
            tag("span", words, class_="wrap"), tag("span", " · ", row.actor, class_="faint"),
            _beside(page.beside[row.id]), class_="wrap"))
        for row, words in page.log
    ]  # fmt: skip
    return section(TEXTS["log"], tag("ol", items, class_="story"))


def _beside(came: Beside) -> Child:
    """Show what came with a message; its pictures are links, nothing of a stranger's is fetched by the page."""
    lines: list[Child] = [TEXTS["contact"].format(words=came.contact)] if came.contact else []
    lines += [
        link(photo, TEXTS["photo"].format(n=n), rel="noopener noreferrer nofollow", target="_blank")
        for n, photo in enumerate(came.photos, 1)
    ]
    lines += [TEXTS["left_out"].format(words=said(note)) for note in came.notes]
    if came.inbox_id is not None:
        lines.append(link(f"/inbox/{came.inbox_id}", TEXTS["raw"], class_="faint"))
    return [tag("p", line, class_="faint") for line in lines]


def _draft(order: OrderPage | None, viewer: Viewer) -> str:
    """Draft an answer from what the order waits for; it promises nothing that the store does not know."""
    return for_buyer(order, viewer) if order else ""


def _filled(order: OrderPage | None, viewer: Viewer, frame: Frame) -> dict[str, str]:
    """Give the facts that fill a macro."""
    if order is None:
        return {"agent": frame.session.login}
    return {
        "order": order.order.no,
        "status": STATUSES.get(order.order.status, order.order.status),
        "next": for_buyer(order, viewer),
        "waybill": "、".join(one.waybill_no for one in order.parcels),
        "agent": frame.session.login,
    }


def _macros(kept: list[Any], known: dict[str, str]) -> Markup:
    items = [
        tag("p", tag("strong", one.title), " ", tag("span", words, class_="wrap"), " ",
            tag("button", TEXTS["copy"], data_copy=words, id=f"copy-{one.code}"))
        for one in kept
        if (words := fill(one.text, known))
    ]  # fmt: skip
    button = tag("div", opener(MACRO, TEXTS["macro"]), class_="acts below")
    return section(TEXTS["macros"], items or tag("p", TEXTS["no_macros"], class_="faint"), button)


def _others(page: TicketPage) -> Markup:
    items = [
        tag("p", link(f"{BOARD}/{one.no}", one.no, class_="num"), " ", TICKETS[one.kind], " ", state_badge(one.state),
            " ", moment(one.opened_at))
        for one in page.others
    ]  # fmt: skip
    return section(TEXTS["others"], items) if items else Markup()


@dataclass
class TicketActs:
    """What can be done with the ticket of one open page."""

    frame: Frame
    no: str
    _nonces: Nonces = field(default_factory=Nonces)

    def __post_init__(self) -> None:
        self._service = service_of(self.frame)
        for choice in TicketChoice:
            self.frame.on(choice.value, Action.HANDLE_EXCEPTION, self._press(choice), MOST_WORDS)
        self.frame.on(MACRO, Action.HANDLE_EXCEPTION, self._save_macro, MOST_WORDS)

    def answer(self, page: TicketPage, draft: str) -> Markup:
        """Show the drafted answer and the place to write one."""
        why = self._why_not(page, TicketChoice.ANSWER)
        copy = tag("button", TEXTS["copy"], data_copy=draft, id="copy-draft")
        told = tag("p", tag("span", draft, id="draft"), " ", copy, class_="row buyer")
        head = told if draft else tag("p", TEXTS["no_draft"], class_="faint")
        area = tag(
            "textarea", "" if page.row.answered_at else draft, name="words", id="answer-words", required=True,
            maxlength=MOST_WORDS, data_keep=True, aria_label=TEXTS["answer"],
        )  # fmt: skip
        button = tag("button", TEXTS["send"], type="submit", class_="primary", disabled=bool(why), data_off=bool(why))
        nonce = tag("input", type="hidden", name="nonce", value=self._nonces.of(ANSWER))
        form = tag("form", nonce, tag("label", tag("span", TEXTS["answer"]), area), button, data_act=ANSWER)
        return section(TEXTS["draft"], head, tag("p", why, class_="faint") if why else None, form)

    def buttons(self, page: TicketPage, form: ExceptionForm | None) -> Markup:
        """Draw the buttons; one that cannot work says why beforehand."""
        found: list[Child] = [self._plain(page, choice) for choice in PLAIN]
        found += [opener(choice.value, TEXTS[choice.value], self._why_not(page, choice)) for choice in DIALOGS]
        if form:
            found.append(form.button())
        return tag("section", tag("h2", TEXTS["acts"]), tag("div", found, class_="acts"), class_="card")

    def dialogs(self) -> Markup:
        """Draw the forms behind the buttons."""
        area = tag("label", tag("span", TEXTS["words"]), tag("textarea", "", name="words", required=True))
        fields: dict[TicketChoice, Child] = {
            TicketChoice.HAND_OVER: entry(TEXTS["to"], "owner", required=True, maxlength=60),
            TicketChoice.ATTACH: entry(TEXTS["which"], "order", required=True, maxlength=100),
            TicketChoice.NOTE: area,
            TicketChoice.ASKED: area,
        }
        asks = [
            Ask(one.value, TEXTS[one.value], TEXTS["explain"], fields[one], hidden=self._nonces.hidden(one.value))
            for one in DIALOGS
        ]
        text = tag("label", tag("span", TEXTS["text"]), tag("textarea", "", name="words", required=True))
        macro = [entry(TEXTS["code"], "code", required=True), entry(TEXTS["name"], "title", required=True), text]
        asks.append(Ask(MACRO, TEXTS["macro"], TEXTS["explain_macro"], macro))
        return Markup().join(dialog(ask, ask.title) for ask in asks)

    def _plain(self, page: TicketPage, choice: TicketChoice) -> Markup:
        why = self._why_not(page, choice)
        button = tag("button", TEXTS[choice.value], id=f"act-{choice.value}", data_act=choice.value, disabled=bool(why),
                     data_off=bool(why))  # fmt: skip
        return tag("div", button, tag("small", why) if why else None)

    def _why_not(self, page: TicketPage, choice: TicketChoice) -> str:
        if not self.frame.may(Action.HANDLE_EXCEPTION):
            return not_allowed(Action.HANDLE_EXCEPTION)
        asked = TicketDecision(choice, self.frame.session.login, "x", "x", "x")
        return said(refuse_decision(asked, TicketState(page.row.state)))

    def _press(self, choice: TicketChoice) -> Handler:
        async def press(given: dict[str, str], by: By) -> str:
            order = await self._service.order_of(given.get("order", "")) if choice is TicketChoice.ATTACH else ""
            decision = TicketDecision(choice, by.actor, given.get("words", ""), given.get("owner", ""), order)
            await self._service.decide_ticket(self.no, decision, given.get("nonce") or self._nonces.of(choice.value))
            self._nonces.taken(choice.value)
            return TEXTS["done"].format(no=self.no, what=TEXTS["send"] if choice == ANSWER else TEXTS[choice.value])

        return press

    async def _save_macro(self, given: dict[str, str], by: By) -> str:
        await self._service.save_macro(given.get("code", ""), given.get("title", ""), given.get("words", ""), by.actor)
        return TEXTS["saved"]
