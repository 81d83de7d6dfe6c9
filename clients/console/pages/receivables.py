"""/receivables: what compensations change for finance; posted by exports, whose files can be taken again (EXC-2)."""

import re
from collections.abc import Sequence
from typing import Any

from markupsafe import Markup
from nicegui import app, ui
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from clients.console.forms import Ask, cards, dialog, opener
from clients.console.frame import Desk, Frame, framed, not_allowed, page_at
from clients.console.gate import session_of
from clients.console.html import Child, body, empty, link, moment, money, section, tag
from clients.console.service_frame import EXCEPTIONS, RECEIVABLES, Nonces, order_link, sections, service_only
from clients.console.service_words import COMPENSATIONS, KINDS, RESPONSIBLE
from clients.console.words import said
from clients.receivables import ReceivableExports
from domain.errors import BadInput
from domain.permissions import Action
from store.reads import receivables as reads
from store.replay import By

FILE = RECEIVABLES + "/{no}.csv"
MOST = 200
TEXTS = {
    "title": "应收变动",
    "explain": "补发、退款、赠品和索赔改变了多少应收。导出后记为已入账，不会再次出现在下一次导出里。",
    "waiting": "待导出",
    "none": "没有待导出的应收变动。",
    "none_next": "开异常单、登记赔付后会出现在这里。",
    "sum": "{n} 笔，合计 {amount}",
    "more": "只列出最早的 {n} 笔，导出包含全部。",
    "post": "导出并记为已入账",
    "ask": "导出全部待导出的变动（CSV）并记为已入账。文件丢了可以按导出号再下载，内容不变。",
    "posted": "已导出，导出号 {no}；文件也可以在下面再次下载。",
    "exports": "导出记录",
    "no_exports": "还没有导出过。",
    "download": "下载",
}
COLUMNS = {"order": "订单", "amount": "金额", "why": "原因", "source": "来源", "at": "时间"}
EXPORTS = {"no": "导出号", "n": "笔数", "amount": "合计", "by": "导出人", "at": "导出时间", "file": "文件"}
GRANTED, PAYS = "按实际批准金额调整", "{who}赔付"


def register(desk: Desk) -> None:
    """Register the page and the download."""

    @page_at(RECEIVABLES)
    async def receivables(request: Request) -> None:
        await _draw(desk, request)

    async def download(request: Request, no: str) -> Response:
        session = session_of(request)
        if not session.may(Action.POST_RECEIVABLES):
            return PlainTextResponse(f"{not_allowed(Action.POST_RECEIVABLES)}\n", 403)
        try:
            content = await ReceivableExports(desk.database, desk.clock).file(no, session.login)
        except BadInput as error:
            return PlainTextResponse(f"{said(str(error))}\n", 404)
        named = {"Content-Disposition": f'attachment; filename="{no}.csv"'}
        return Response(content, media_type="text/csv; charset=utf-8", headers=named)

    app.add_api_route(FILE, download, methods=["GET"], response_model=None)


async def _draw(desk: Desk, request: Request) -> None:
    frame, nonces = framed(desk, request, TEXTS["title"], "/service"), Nonces()
    exports = ReceivableExports(desk.database, desk.clock)

    async def read() -> Markup:
        async with desk.database.transaction() as tx:
            found = await reads.overview(tx, MOST)
        head = tag("div", tag("h1", TEXTS["title"]), class_="row headed")
        told = tag("p", TEXTS["explain"], class_="faint")
        return body(sections(RECEIVABLES), head, told, _waiting(frame, found), _exports(frame, found.exports))

    async def dialogs() -> Markup:
        return dialog(Ask("post", TEXTS["post"], TEXTS["ask"], hidden=nonces.hidden("post")), TEXTS["post"])

    async def post(given: dict[str, str], by: By) -> str:
        no = await exports.post(f"console:{given.get('nonce') or nonces.of('post')}", by.actor)
        nonces.taken("post")
        ui.download.content(await exports.file(no, by.actor), f"{no}.csv")
        return TEXTS["posted"].format(no=no)

    frame.on("post", Action.POST_RECEIVABLES, post)
    await frame.show(service_only(frame, read))
    if frame.may(Action.POST_RECEIVABLES):
        await frame.show(dialogs, seconds=0)


def _waiting(frame: Frame, found: reads.Receivables) -> Markup:
    if not found.sums:
        return section(TEXTS["waiting"], empty(TEXTS["none"], TEXTS["none_next"]), id="waiting")
    why_not = "" if frame.may(Action.POST_RECEIVABLES) else not_allowed(Action.POST_RECEIVABLES)
    sums = [TEXTS["sum"].format(n=one.n, amount=money(one.amount_minor, one.currency)) for one in found.sums]
    more = sum(one.n for one in found.sums) > len(found.waiting)
    return section(
        TEXTS["waiting"],
        tag("p", "；".join(sums)),
        tag("div", opener("post", TEXTS["post"], why_not), class_="acts"),
        cards(COLUMNS, [_change(one) for one in found.waiting], {"amount"}),
        tag("p", TEXTS["more"].format(n=MOST), class_="faint") if more else None,
        id="waiting",
    )


def _change(one: Any) -> dict[str, Child]:
    kind, _, no = one.source.partition(":")
    exception = no if kind == "exception" else no.removesuffix("-L")
    return {
        "order": order_link(one.order_key),
        "amount": money(one.amount_minor, one.currency),
        "why": why(one.reason),
        "source": link(f"{EXCEPTIONS}/{exception}", no, class_="num"),
        "at": moment(one.at),
    }


def why(reason: str) -> str:
    """Say why something is receivable or no longer is; what no table knows stays as it was written."""
    if (found := re.fullmatch(r"(\w+) for (\w+)", reason)) is not None:
        return f"{COMPENSATIONS.get(found[1], found[1])}（{KINDS.get(found[2], found[2])}）"
    if (found := re.fullmatch(r"(\w+) pays", reason)) is not None:
        return PAYS.format(who=RESPONSIBLE.get(found[1], found[1]))
    return GRANTED if reason == "as granted" else reason


def _exports(frame: Frame, rows: Sequence[Any]) -> Markup:
    shown = [_export(frame, one) for one in rows]
    return section(TEXTS["exports"], cards(EXPORTS, shown, {"n", "amount"}) if shown else empty(TEXTS["no_exports"]))


def _export(frame: Frame, one: Any) -> dict[str, Child]:
    allowed = frame.may(Action.POST_RECEIVABLES)
    file = link(FILE.format(no=one.no), TEXTS["download"], download=f"{one.no}.csv") if allowed else "—"
    return {
        "no": tag("span", one.no, class_="num"),
        "n": str(one.n),
        "amount": money(one.amount_minor, one.currency),
        "by": one.actor,
        "at": moment(one.at),
        "file": file,
    }
