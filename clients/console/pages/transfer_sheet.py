"""/stock/transfers/new: handing in a transfer list; what is refused and what would change is seen first (INV-12).

A list that was handed in is kept in this process until it is submitted; it comes by an ordinary form, which takes files
that are larger than what a socket may carry.
"""

import asyncio
import csv
import io
import re
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from secrets import token_urlsafe

from markupsafe import Markup
from nicegui import app
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from clients.console.count_words import COLUMN_WORDS
from clients.console.forms import Ask, cards, dialog, opener
from clients.console.frame import Desk, Frame, framed, not_allowed, page_at, told
from clients.console.gate import session_of
from clients.console.html import Child, badge, body, link, section, tag, url
from clients.console.pages.transfers import PATH, transfer_url
from clients.console.stock_nav import sections, supply_only
from clients.console.words import said
from clients.settings import ClientSettings
from clients.transferring import Checked, Transferring, refused_csv
from connectors.files.table import MAX_FILE_BYTES
from connectors.files.transfer_sheet import NAMES, Sheet, read_sheet
from domain.errors import BadInput, OmsError
from domain.permissions import Action
from domain.transfers import COLUMNS, Asked, needs_approval
from store import settings_docs
from store.replay import By
from store.transfers import Made

NEW, SHEET, REFUSED = f"{PATH}/new", f"{PATH}/sheet", f"{PATH}/refused"
MOST_DRAFTS = 20
MOST_ROWS_SHOWN = 200
MOST_FORM_BYTES = MAX_FILE_BYTES + 1024 * 1024
_WORDS = frozenset(word for words in NAMES.values() for word in words)

TEXTS = {
    "transfers": "调拨",
    "title": "提交调拨表",
    "file": "上传文件（CSV 或 XLSX）",
    "or": "或粘贴行（从表格软件复制即可；表头可以不带）",
    "check": "核对",
    "check_why": "只核对，不写入。每一行的错误都会指出行和列。",
    "columns": "列：调出、调入、商品编码、数量；可以再加一列“调入合计”，填每个调入地的总数，用来发现漏行和错位。",
    "example": "SKU 用我方编码，地点用仓库或门店编码。例如：",
    "no_rows": "请选一个文件，或粘贴几行。",
    "too_large": "文件超过 {mb} MB，请拆成几个，每个都带表头。",
    "not_ours": "这个表单已过期，请刷新页面再试。",
    "gone": "这张表已经不在了（服务重启过，或提交了更多的表）。请重新上传。",
    "well": "{n} 行全部正确，共 {units} 件",
    "faults": "{bad} 行有错，{n} 行正确",
    "nothing": "没有一行正确",
    "approval": "共 {units} 件，达到 {limit} 件：提交后要由另一人审批，通过后才占用库存。",
    "at_once": "共 {units} 件，不到 {limit} 件：提交后马上占用库存，不用审批。",
    "submit": "提交",
    "partly": "只提交正确的 {n} 行",
    "partly_why": "有错的 {bad} 行不提交。建议先下载，改好后再提交一次。",
    "download": "下载有错的行",
    "again": "改好后重新上传",
    "refused": "有错的行",
    "changes": "提交后各地库存",
    "line": "行",
    "nth": "第 {n} 行",
    "column": "列",
    "reason": "原因",
    "row": "内容",
    "blank": "（空）",
    "more": "另有 {n} 行没有列出，可以下载。",
    "place": "地点",
    "before": "现在",
    "after": "之后",
    "by": "变化",
    "done_waits": "已提交，申请 {batch} 等待另一人审批。",
    "done": "已提交，{n} 张调拨单已通过，库存已占用。",
    "once": "这张表已经提交过了。",
    "to_approvals": "看审批",
    "shown": "调拨单",
}
EXAMPLE = "调出,调入,商品编码,数量\nGZ01,S001,TEE,20\nGZ01,S002,TEE,15"


@dataclass
class Draft:
    """A list that somebody handed in: what was read and found, or why it is no list; then what it became."""

    login: str
    checked: Checked | None = None
    trouble: str = ""
    made: Made | None = None
    sending: bool = False


class Drafts:
    """Keeps the lists that were handed in last, each for the one who did."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Draft] = OrderedDict()

    def keep(self, draft: Draft) -> str:
        """Keep a list and give the word that finds it."""
        word = token_urlsafe(16)
        self._kept[word] = draft
        while len(self._kept) > MOST_DRAFTS:
            self._kept.popitem(last=False)
        return word

    def find(self, word: str, login: str) -> Draft | None:
        """Give a list to the one who handed it in."""
        found = self._kept.get(word)
        return found if found and found.login == login else None


def register(desk: Desk) -> None:
    """Register the page, the form's address and the download."""
    drafts = Drafts()

    @page_at(NEW)
    async def new(request: Request) -> None:
        await _draw(desk, drafts, request)

    async def hand_in(request: Request) -> Response:
        return await _hand_in(desk, drafts, request)

    async def refused(request: Request) -> Response:
        draft = drafts.find(request.query_params.get("draft", ""), session_of(request).login)
        if draft is None or draft.checked is None:
            return PlainTextResponse(f"{TEXTS['gone']}\n", 404)
        named = {"Content-Disposition": 'attachment; filename="refused.csv"'}
        return Response(refused_csv(draft.checked), media_type="text/csv; charset=utf-8", headers=named)

    app.add_api_route(SHEET, hand_in, methods=["POST"], response_model=None)
    app.add_api_route(REFUSED, refused, methods=["GET"], response_model=None)


async def _hand_in(desk: Desk, drafts: Drafts, request: Request) -> Response:
    """Take a list; whatever is wrong with it is said on the page that follows."""
    session = session_of(request)
    length = request.headers.get("content-length", "")
    if not length.isdigit() or int(length) > MOST_FORM_BYTES:
        return _shown(drafts, Draft(session.login, trouble=_too_large()))
    async with request.form(max_files=1, max_fields=4, max_part_size=MAX_FILE_BYTES) as form:
        if not desk.sessions.is_ours(session.digest, str(form.get("form", ""))):
            return _shown(drafts, Draft(session.login, trouble=TEXTS["not_ours"]))
        file, rows = form.get("file"), str(form.get("rows") or "")
        raw = await file.read() if isinstance(file, UploadFile) else b""
    if not session.may(Action.MOVE_STOCK):
        return _shown(drafts, Draft(session.login, trouble=not_allowed(Action.MOVE_STOCK)))
    try:
        sheet = await _read(raw, rows)
        checked = await _transferring(desk).check(sheet, {})
    except BadInput as error:
        return _shown(drafts, Draft(session.login, trouble=said(str(error))))
    except OmsError as error:
        return _shown(drafts, Draft(session.login, trouble=told(error)))
    return _shown(drafts, Draft(session.login, checked))


def _transferring(desk: Desk) -> Transferring:
    return Transferring(desk.database, ClientSettings().profile, desk.clock)


def _shown(drafts: Drafts, draft: Draft) -> Response:
    return RedirectResponse(url(NEW, draft=drafts.keep(draft)), 303)


def _too_large() -> str:
    return TEXTS["too_large"].format(mb=MAX_FILE_BYTES // 1024 // 1024)


async def _read(raw: bytes, rows: str) -> Sheet:
    """Read the file, or else what was pasted; BadInput when it is no list."""
    if raw:
        return await asyncio.to_thread(read_sheet, raw)
    if not rows.strip():
        raise BadInput(TEXTS["no_rows"])
    return pasted(rows)


def pasted(rows: str) -> Sheet:
    """Read pasted rows, with tabs or commas, with a header or without; lines are counted as they were pasted."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    first = next(line for line in rows.splitlines() if line.strip())
    headed = bool(_WORDS.intersection(word.strip() for word in re.split(r"[,\t]", first)))
    if not headed:
        writer.writerow(NAMES[name][0] for name in COLUMNS)
    body_rows = rows
    if "\t" in rows:
        writer.writerows(line.split("\t") for line in rows.splitlines())
        body_rows = ""
    sheet = read_sheet((text.getvalue() + body_rows).encode())
    if headed:
        return sheet
    return replace(sheet, rows=tuple(replace(row, line=row.line - 1) for row in sheet.rows))


async def _draw(desk: Desk, drafts: Drafts, request: Request) -> None:
    frame, word = framed(desk, request, TEXTS["title"], "/stock"), request.query_params.get("draft", "")
    draft = drafts.find(word, frame.session.login)
    if word and draft is None:
        draft = Draft(frame.session.login, trouble=TEXTS["gone"])

    async def read() -> Markup:
        head = [sections(frame, PATH), tag("h1", link(PATH, TEXTS["transfers"]), " / ", TEXTS["title"])]
        if draft and draft.made:
            return body(head, _made(draft.made))
        if draft and draft.checked:
            return body(head, _found(draft.checked, word, await _limit(desk)))
        return body(head, _form(desk, frame, draft.trouble if draft else ""))

    async def submit(given: dict[str, str], by: By) -> str:
        return await _submit(desk, draft, by, skip_bad=given.get("part") == "1")

    frame.on("submit", Action.MOVE_STOCK, submit)
    frame.on("partly", Action.MOVE_STOCK, submit)
    await frame.show(supply_only(frame, read), seconds=0)


async def _limit(desk: Desk) -> int:
    async with desk.database.transaction() as tx:
        return (await settings_docs.stock_rules(tx, ClientSettings().profile)).transfer_approval_units


async def _submit(desk: Desk, draft: Draft | None, by: By, *, skip_bad: bool) -> str:
    """Check once more with what is free now, and write; a list is written once."""
    if draft is None or draft.checked is None:
        raise BadInput(TEXTS["gone"])
    if draft.made or draft.sending:
        raise BadInput(TEXTS["once"])
    draft.sending, work = True, _transferring(desk)
    try:
        fresh = await work.check(draft.checked.sheet, {})
        if fresh.faults and (not skip_bad or fresh.refused != draft.checked.refused):
            draft.checked = fresh
            raise BadInput(_big(fresh))
        draft.made = await work.write(fresh, by.actor, skip_bad=skip_bad)
    finally:
        draft.sending = False
    return _words(draft.made)


def _words(made: Made) -> str:
    if made.approval_no:
        return TEXTS["done_waits"].format(batch=made.batch)
    return TEXTS["done"].format(n=len(made.transfers))


def _form(desk: Desk, frame: Frame, trouble: str) -> list[Child]:
    if not frame.may(Action.MOVE_STOCK):
        return [tag("p", badge(not_allowed(Action.MOVE_STOCK), "warn"))]
    word = desk.sessions.form_word(frame.session.digest)
    form = tag(
        "form",
        tag("input", type="hidden", name="form", value=word),
        tag("label", tag("span", TEXTS["file"]), tag("input", name="file", type="file", accept=".csv,.xlsx,.txt")),
        tag("label", tag("span", TEXTS["or"]), tag("textarea", "", name="rows", rows=6, id="rows", class_="mono")),
        tag("div", tag("button", TEXTS["check"], class_="primary", id="check"), tag("span", TEXTS["check_why"],
            class_="faint"), class_="row"),
        action=SHEET, method="post", enctype="multipart/form-data", class_="stacked",
    )  # fmt: skip
    example = tag("pre", EXAMPLE, class_="raw mono")
    hints = [tag("p", TEXTS["columns"]), tag("p", TEXTS["example"]), example]
    told = tag("p", trouble, class_="trouble", role="alert", id="trouble") if trouble else None
    return [told, tag("div", tag("section", form, class_="card"), tag("section", hints, class_="card"), class_="two")]


def _big(checked: Checked) -> str:
    """Say in a line how a list is."""
    units = sum(move.quantity for move in checked.moves)
    if not checked.faults:
        return TEXTS["well"].format(n=len(checked.moves), units=units)
    return TEXTS["faults"].format(bad=len(checked.refused), n=len(checked.moves))


def _found(checked: Checked, word: str, limit: int) -> list[Child]:
    units, bad = sum(move.quantity for move in checked.moves), len(checked.refused)
    waits = needs_approval(checked.moves, limit)
    next_ = TEXTS["approval" if waits else "at_once"].format(units=units, limit=limit) if checked.moves else None
    again = link(NEW, TEXTS["again"], class_="button")
    buttons: list[Child] = [again]
    if not checked.faults:
        buttons.insert(0, tag("button", TEXTS["submit"], class_="primary", data_act="submit", id="submit"))
    else:
        buttons.append(link(url(REFUSED, draft=word), TEXTS["download"], class_="button"))
        if checked.moves:
            buttons.append(opener("partly", TEXTS["partly"].format(n=len(checked.moves))))
    part = Ask("partly", TEXTS["partly"].format(n=len(checked.moves)), TEXTS["partly_why"].format(bad=bad),
               hidden={"part": "1"})  # fmt: skip
    head = [tag("p", _big(checked), class_="big", id="found"), tag("p", next_), tag("div", buttons, class_="row")]
    return [
        tag("section", head, class_="card first bad" if bad else "card first"),
        _refused(checked),
        _changes(checked),
        dialog(part, TEXTS["submit"]) if bad and checked.moves else None,
    ]


def _refused(checked: Checked) -> Markup | None:
    if not checked.faults:
        return None
    rows = {row.line: row for row in checked.sheet.rows}
    shown: Iterable[dict[str, Child]] = (
        {
            "line": tag("strong", TEXTS["nth"].format(n=fault.line)),
            "column": checked.sheet.column(fault.column) if fault.column else "—",
            "reason": tag("span", badge(said(fault.reason), "bad"), class_="wrap"),
            "row": tag("span", _content(rows[fault.line]), class_="faint wrap"),
        }
        for fault in checked.faults[:MOST_ROWS_SHOWN]
    )
    left = len(checked.faults) - MOST_ROWS_SHOWN
    more = tag("p", TEXTS["more"].format(n=left), class_="faint") if left > 0 else None
    heads = {name: TEXTS[name] for name in ("line", "column", "reason", "row")}
    return section(TEXTS["refused"], cards(heads, shown), more, id="refused")


def _content(row: Asked) -> str:
    """Show a row as it was read, so that a shifted cell is seen."""
    return " · ".join(cell or TEXTS["blank"] for cell in row.cells.values())


def _changes(checked: Checked) -> Markup | None:
    if not checked.changes:
        return None
    shown: Iterable[dict[str, Child]] = (
        {
            "place": one.place,
            "sku": tag("span", one.sku, class_="num"),
            "before": str(one.before),
            "after": tag("strong", str(one.after)),
            "by": f"{one.after - one.before:+d}",
        }
        for one in checked.changes[:MOST_ROWS_SHOWN]
    )
    left = len(checked.changes) - MOST_ROWS_SHOWN
    more = tag("p", TEXTS["more"].format(n=left), class_="faint") if left > 0 else None
    heads = {"place": TEXTS["place"], "sku": COLUMN_WORDS["sku"], **{n: TEXTS[n] for n in ("before", "after", "by")}}
    return section(TEXTS["changes"], cards(heads, shown, {"before", "after", "by"}), more, id="changes")


def _made(made: Made) -> Markup:
    found = [tag("li", link(transfer_url(no), no, class_="num")) for no in made.transfers]
    waits = link("/stock/approvals", TEXTS["to_approvals"], class_="button") if made.approval_no else None
    return tag("section", tag("p", _words(made), class_="big", id="made"), tag("ul", found), waits, class_="card first")
