"""/returns: parcels that belong to no case, and labels whose number a person has to look at (AFT-4, AFT-6)."""

from secrets import token_hex
from typing import Any

from markupsafe import Markup
from starlette.requests import Request

from clients.console.forms import cards
from clients.console.frame import Desk, framed, not_allowed, page_at
from clients.console.html import Child, badge, body, empty, link, moment, order_url, section, tag
from clients.console.return_words import GRADES, READINGS
from clients.temporal_cases import decide_case
from domain.after_sales import CaseDecision, Choice
from domain.errors import BadInput
from domain.labels import typed_number
from domain.permissions import Action
from store import unmatched
from store.reads import returns
from store.replay import By

PATH = "/returns"
REASON = "other"

TEXTS = {
    "title": "退货",
    "desk": "打开验收页（手机、扫码枪）",
    "unmatched": "没有售后单的包裹",
    "labels": "要人工核对的面单",
    "empty": "每个退回的包裹都有售后单。",
    "empty_labels": "没有要核对的面单。",
    "empty_next": "有新的会自动出现在这里。",
    "match": "归到售后单",
    "open": "按订单建售后单",
    "keep": "不属于任何售后单",
    "case_no": "售后单号",
    "order_no": "订单号",
    "note": "原因",
    "set": "登记运单号",
    "carrier": "快递代码，如 SF",
    "number": "运单号",
    "matched": "包裹 {id} 已归到 {no}，良品已上架。",
    "opened": "已建售后单 {no}，包裹 {id} 已归入。",
    "kept": "包裹 {id} 已关闭，商品留在待检区。",
    "noted": "{no} 的运单号已登记。",
    "no_order": "“{words}”对应 {n} 个订单，请写完整的订单键。",
    "bad_parcel": "请选择一个包裹。",
    "photo": "看面单",
}
COLUMNS = {
    "id": "包裹", "place": "收货地点", "waybill": "运单号", "order": "订单", "goods": "商品", "at": "到货",
    "acts": "处理",
}  # fmt: skip
LABEL_COLUMNS = {
    "case": "售后单",
    "photo": "面单",
    "reading": "识别",
    "found": "读到的号码",
    "at": "拍摄",
    "acts": "处理",
}


def register(desk: Desk) -> None:
    """Register the page."""

    @page_at(PATH)
    async def page(request: Request) -> None:
        await _draw(desk, request)


async def _draw(desk: Desk, request: Request) -> None:
    frame = framed(desk, request, TEXTS["title"], PATH)
    acts = ReturnActs(desk)
    may = frame.may(Action.MATCH_RETURN)
    for name, handler in (("match", acts.match), ("open", acts.open), ("keep", acts.keep), ("waybill", acts.waybill)):
        frame.on(name, Action.MATCH_RETURN, handler)

    async def read() -> Markup:
        async with desk.database.transaction() as tx:
            parcels, labels = await unmatched.waiting(tx), await returns.labels(tx)
        way_in = link("/pda", TEXTS["desk"], target="_blank") if frame.may(Action.INSPECT) else None
        why_not = None if may else tag("p", not_allowed(Action.MATCH_RETURN), class_="faint")
        found = cards(COLUMNS, [_parcel(row, may) for row in parcels]) if parcels else _nothing("empty")
        shown = cards(LABEL_COLUMNS, [_label(row, may) for row in labels]) if labels else _nothing("empty_labels")
        return body(
            tag("h1", TEXTS["title"]), tag("p", way_in) if way_in else None, why_not,
            section(TEXTS["unmatched"], found), section(TEXTS["labels"], shown),
        )  # fmt: skip

    await frame.show(read)


def _nothing(name: str) -> Markup:
    return empty(TEXTS[name], TEXTS["empty_next"])


def _parcel(row: Any, may: bool) -> dict[str, Child]:
    goods = [f"{line['sku']} × {line['quantity']} {GRADES.get(line['grade'], line['grade'])}" for line in row.lines]
    order = link(order_url(row.order_key), row.order_no, class_="num") if row.order_key else row.order_no or "—"
    return {
        "id": tag("span", str(row.id), class_="num"),
        "place": row.warehouse,
        "waybill": tag("span", row.waybill_no or "—", class_="num"),
        "order": order,
        "goods": "、".join(goods),
        "at": moment(row.received_at),
        "acts": _parcel_acts(row) if may else "—",
    }


def _parcel_acts(row: Any) -> Child:
    """Draw the three ways out of a parcel, each a line of its own."""
    return [
        _form("match", row.id, _entry("no", TEXTS["case_no"]), TEXTS["match"]),
        _form("open", row.id, _entry("order", TEXTS["order_no"], row.order_no), TEXTS["open"]),
        _form("keep", row.id, _entry("note", TEXTS["note"]), TEXTS["keep"]),
    ]


def _label(row: Any, may: bool) -> dict[str, Child]:
    found = f"{row.read_carrier} {row.read_waybill_no} · {row.read_percent}%" if row.read_waybill_no else "—"
    entries = [
        _entry("carrier", TEXTS["carrier"], row.read_carrier, required=False),
        _entry("number", TEXTS["number"], row.read_waybill_no),
    ]
    return {
        "case": tag("span", row.case_no, class_="num"),
        "photo": link(f"/photos/{row.id}", TEXTS["photo"], target="_blank"),
        "reading": badge(READINGS.get(row.reading, row.reading), "warn"),
        "found": tag("span", found, class_="num"),
        "at": moment(row.taken_at),
        "acts": _form("waybill", row.case_no, entries, TEXTS["set"]) if may else "—",
    }


def _form(act: str, about: object, fields: Child, words: str) -> Markup:
    return tag(
        "form", fields, tag("input", type="hidden", name="about", value=str(about)), tag("button", words),
        data_act=act, data_key=f"{act}-{about}", class_="row",
    )  # fmt: skip


def _entry(name: str, words: str, value: str = "", *, required: bool = True) -> Markup:
    return tag("input", name=name, placeholder=words, aria_label=words, value=value, required=required, maxlength=64)


class ReturnActs:
    """What a person does about a parcel or a label."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def match(self, given: dict[str, str], by: By) -> str:
        """Book a parcel on a case."""
        id, no = _number(given), given.get("no", "").strip().upper()
        async with self._desk.database.transaction() as tx:
            await unmatched.match(tx, id, no, by.actor, by.now)
        return TEXTS["matched"].format(id=id, no=no)

    async def open(self, given: dict[str, str], by: By) -> str:
        """Open a case from a parcel."""
        id, words = _number(given), given.get("order", "")
        async with self._desk.database.transaction() as tx:
            keys = await returns.order_keys(tx, words)
            if len(keys) != 1:
                raise BadInput(TEXTS["no_order"].format(words=words, n=len(keys)))
            opening = unmatched.Opening(keys[0], REASON, by.actor)
            no = await unmatched.open_case(tx, self._desk.ring, id, opening, by.now)
        return TEXTS["opened"].format(no=no, id=id)

    async def keep(self, given: dict[str, str], by: By) -> str:
        """Close a parcel without a case."""
        id = _number(given)
        async with self._desk.database.transaction() as tx:
            await unmatched.keep(tx, id, by.actor, given.get("note", ""), by.now)
        return TEXTS["kept"].format(id=id)

    async def waybill(self, given: dict[str, str], by: By) -> str:
        """Note the number that a person read off a label."""
        no, number = given.get("about", ""), typed_number(given.get("number", ""))
        carrier = given.get("carrier", "").strip().upper()
        decision = CaseDecision(Choice.WAYBILL, by.actor, carrier=carrier, waybill_no=number)
        await decide_case(await self._desk.engine.client(), no, decision, token_hex(8))
        return TEXTS["noted"].format(no=no)


def _number(given: dict[str, str]) -> int:
    if not given.get("about", "").isdigit():
        raise BadInput(TEXTS["bad_parcel"])
    return int(given["about"])
