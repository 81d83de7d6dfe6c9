"""/service: one board of tickets, exceptions and cases by deadline; complaints are typed in here (EXC-4)."""

from typing import Any

from markupsafe import Markup
from starlette.requests import Request

from clients.console.forms import Ask, cards, chooser, dialog, opener
from clients.console.forms import field as entry
from clients.console.frame import Desk, Frame, Handler, framed, not_allowed, page_at
from clients.console.html import Child, badge, body, countdown, empty, link, moment, tag, url
from clients.console.lists import tabs
from clients.console.service_frame import (
    BOARD,
    MOST_WORDS,
    Nonces,
    order_link,
    owner_of,
    page_of,
    sections,
    service_of,
    service_only,
    state_badge,
)
from clients.console.service_words import CASES, KINDS, PROCESSES, SOURCES, TICKETS
from domain.exceptions import chosen
from domain.permissions import Action
from domain.tickets import NewTicket, TicketKind, TicketSource
from store.reads.service import MOST, ServiceReads
from store.replay import By

ACT = "add_ticket"
TEXTS = {
    "title": "客服看板",
    "all": "全部",
    "mine": "我的",
    "tabs": "看板分组",
    "empty": "没有待处理的事。",
    "empty_next": "收到投诉和催单时，点“登记工单”录入。",
    "more": "只显示最紧急的 {n} 条。",
    "add": "登记工单",
    "add_why": "粘贴买家的原话，会自动找到订单；30 分钟内要第一次答复。",
    "kind": "种类",
    "source": "来源",
    "words": "买家的话（加密保存）",
    "order": "订单号、运单号或手机号（不填就从原话里找）",
    "added": "{no} 已登记。",
}
COLUMNS = {
    "is": "类别", "no": "单号", "what": "内容", "order": "订单", "state": "状态", "owner": "负责人", "due": "期限",
    "opened": "收到",
}  # fmt: skip


def register(desk: Desk) -> None:
    """Register the page."""

    @page_at(BOARD)
    async def board(request: Request) -> None:
        await _draw(desk, request)


async def _draw(desk: Desk, request: Request) -> None:
    frame, reads = framed(desk, request, TEXTS["title"], BOARD), ServiceReads(desk.database, desk.ring)
    wanted, login = request.query_params.get("is", ""), frame.session.login
    process = wanted if wanted in PROCESSES else ""

    async def read() -> Markup:
        counts, mine = await reads.counts(login)
        rows = await reads.board(process, login if wanted == "mine" else "")
        items: list[tuple[str, str, object, bool]] = [
            (TEXTS["all"], BOARD, sum(counts.values()), not process and wanted != "mine"),
            (TEXTS["mine"], url(BOARD, **{"is": "mine"}), mine, wanted == "mine"),
        ]
        items += [
            (words, url(BOARD, **{"is": name}), counts.get(name, 0), process == name)
            for name, words in PROCESSES.items()
        ]
        why = "" if frame.may(Action.HANDLE_EXCEPTION) else not_allowed(Action.HANDLE_EXCEPTION)
        head = tag("div", tag("h1", TEXTS["title"]), opener(ACT, TEXTS["add"], why), class_="row headed")
        shown = cards(COLUMNS, [_cells(row) for row in rows]) if rows else empty(TEXTS["empty"], TEXTS["empty_next"])
        more = tag("p", TEXTS["more"].format(n=MOST), class_="faint") if len(rows) == MOST else None
        return body(sections(BOARD), head, tabs(items, TEXTS["tabs"]), shown, more)

    nonces = Nonces()

    async def form() -> Markup:
        return _form(nonces)

    frame.on(ACT, Action.HANDLE_EXCEPTION, _add(frame, nonces), MOST_WORDS)
    await frame.show(service_only(frame, read))
    if frame.may(Action.HANDLE_EXCEPTION):
        await frame.show(form, seconds=0)


def _cells(row: Any) -> dict[str, Child]:
    return {
        "is": badge(PROCESSES[row.process], {"ticket": "calm", "exception": "warn"}.get(row.process, "calm")),
        "no": link(page_of(row.process, row.no), row.no, class_="open num", data_key=row.no),
        "what": _what(row),
        "order": order_link(row.order_key),
        "state": state_badge(row.state),
        "owner": owner_of(row.owner),
        "due": countdown(row.due_at, empty="—"),
        "opened": moment(row.opened_at),
    }


def _what(row: Any) -> str:
    if row.process == "ticket":
        return f"{TICKETS[row.kind]} · {SOURCES[row.about]}"
    return KINDS.get(row.kind) or CASES.get(row.kind, row.kind)


def _form(nonces: Nonces) -> Markup:
    fields: list[Child] = [
        chooser(TEXTS["kind"], "kind", TICKETS),
        chooser(TEXTS["source"], "source", SOURCES),
        tag(
            "label", tag("span", TEXTS["words"]), tag("textarea", "", name="words", required=True, maxlength=MOST_WORDS)
        ),
        entry(TEXTS["order"], "order", maxlength=100, autocomplete="off"),
    ]
    return dialog(Ask(ACT, TEXTS["add"], TEXTS["add_why"], fields, hidden=nonces.hidden(ACT)), TEXTS["add"])


def _add(frame: Frame, nonces: Nonces) -> Handler:
    async def add(given: dict[str, str], by: By) -> str:
        service, order = service_of(frame), given.get("order", "").strip()
        new = NewTicket(
            chosen(TicketKind, given.get("kind", ""), "kind"),
            chosen(TicketSource, given.get("source", ""), "source"),
            given.get("words", "").strip(),
            f"console:{given.get('nonce', '')}",
            by.actor,
            await service.order_of(order) if order else "",
        )
        no = await service.open_ticket(new)
        nonces.taken(ACT)
        return TEXTS["added"].format(no=no)

    return add
