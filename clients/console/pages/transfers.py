"""/stock/transfers and /stock/transfers/{no}: what goes from place to place, how far it has got, and who may act."""

from collections.abc import Iterable
from typing import Any

from markupsafe import Markup
from starlette.requests import Request

from clients.console.count_words import TRANSFERS
from clients.console.forms import Ask, cards, dialog, facts, field, opener
from clients.console.frame import Desk, Frame, framed, not_allowed, page_at
from clients.console.html import Child, badge, body, empty, link, moment, section, tag, url
from clients.console.lists import tabs
from clients.console.stock_frame import sku_url
from clients.console.stock_nav import sections, supply_only
from clients.console.units import read_units, unit_fields
from clients.console.words import said
from domain.errors import BadInput
from domain.permissions import Action
from domain.transfers import TransferState
from store import transfer_moves, transfers
from store.reads.transfers import TransferReads
from store.receipts import ByHand
from store.replay import By

PATH = "/stock/transfers"
MOST = 200
MOST_WORDS = 200

TEXTS = {
    "title": "调拨",
    "all": "全部",
    "tabs": "按状态",
    "new": "提交调拨表",
    "empty": "没有调拨单。",
    "empty_next": "点“提交调拨表”上传或粘贴一张表。",
    "missing": "没有这张调拨单：{no}",
    "missing_next": "请回到调拨列表查找。",
    "way": "{source} → {target}",
    "lines": "商品",
    "others": "同一申请的其他调拨单",
    "waits": "等待第二人审批",
    "go": "去审批",
    "acts": "处理",
    "ship": "出库",
    "receive": "收货",
    "cancel": "撤销",
    "ship_why": "填实际离开的件数；没走的马上可以再卖。出库不能撤回。",
    "receive_why": "填实际收到的件数。少收多收都按实收入账，并发出告警。",
    "cancel_why": "占用的库存马上释放。",
    "reason": "原因（请不要写姓名、电话、地址）",
    "ref": "送货单号（同一张只记一次）",
    "final": "不会再到货了，差的不再等",
    "no_ref": "请填送货单号，这样同一批货只记一次。",
    "nothing": "请至少填一个商品的件数。",
    "no_reason": "请写撤销的原因。",
    "shipped": "{no} 已出库：{units}。",
    "received": "{no} 已收货。",
    "again": "这张送货单已经记过，没有改动。",
    "cancelled": "{no} 已撤销，库存已释放。",
    "only": "现在是“{state}”，只有“{wanted}”的可以{act}",
    "differs": "少 {n} 件",
    "over": "多 {n} 件",
    "same": "相符",
    "none": "—",
}
COLUMNS = {
    "no": "调拨单", "state": "状态", "way": "从 → 到", "lines": "商品数", "units": "件数", "asked": "申请时间",
    "by": "申请人", "why": "原因",
}  # fmt: skip
LINE_COLUMNS = {
    "sku": "SKU", "goods": "品名", "quantity": "申请", "shipped": "出库", "received": "收货", "differs": "差异",
}  # fmt: skip
NUMBERS = frozenset({"lines", "units", "quantity", "shipped", "received"})
WHEN: dict[str, tuple[TransferState, ...]] = {
    "ship": (TransferState.APPROVED,),
    "receive": (TransferState.SHIPPED,),
    "cancel": (TransferState.APPROVAL, TransferState.APPROVED),
}
"""The states in which something can be done."""


def register(desk: Desk) -> None:
    """Register the pages."""

    @page_at(PATH)
    async def listed(request: Request) -> None:
        await _draw_list(desk, request)

    @page_at(PATH + "/{no}")
    async def one(request: Request, no: str) -> None:
        await _draw_one(desk, request, no)


def transfer_url(no: str) -> str:
    """Name the page of a transfer."""
    return f"{PATH}/{no}"


async def _draw_list(desk: Desk, request: Request) -> None:
    frame, reads = framed(desk, request, TEXTS["title"], "/stock"), TransferReads(desk.database)
    state = request.query_params.get("state", "")
    wanted = state if state in list(TransferState) else None

    async def read() -> Markup:
        rows = await reads.rows(wanted, MOST)
        items: list[tuple[str, str, object, bool]] = [(TEXTS["all"], PATH, None, wanted is None)]
        items += [(words, url(PATH, state=one.value), None, wanted == one) for one, (words, _) in TRANSFERS.items()]
        new = link(f"{PATH}/new", TEXTS["new"], class_="button") if frame.may(Action.MOVE_STOCK) else None
        head = tag("div", tag("h1", TEXTS["title"]), new, class_="row headed")
        shown = cards(COLUMNS, [_cells(row) for row in rows], NUMBERS)
        nothing = empty(TEXTS["empty"], TEXTS["empty_next"])
        return body(sections(frame, PATH), head, tabs(items, TEXTS["tabs"]), shown if rows else nothing)

    await frame.show(supply_only(frame, read))


def state_badge(state: str) -> Markup:
    """Show how a transfer stands."""
    words, tone = TRANSFERS[TransferState(state)]
    return badge(words, tone)


def _way(row: Any) -> str:
    return TEXTS["way"].format(source=row.source, target=row.target)


def _cells(row: Any) -> dict[str, Child]:
    return {
        "no": link(transfer_url(row.no), row.no, class_="open num", data_key=row.no),
        "state": state_badge(row.state),
        "way": _way(row),
        "lines": str(row.lines),
        "units": str(row.units),
        "asked": moment(row.asked_at),
        "by": said(row.asked_by),
        "why": tag("span", said(row.reason), class_="wrap"),
    }


async def _draw_one(desk: Desk, request: Request, no: str) -> None:
    frame, reads = framed(desk, request, no, "/stock"), TransferReads(desk.database)
    acts = TransferActs(desk, frame, no)

    async def read() -> Markup:
        found = await reads.pages(no)
        row = next((one for one in found.transfers if one.no == no), None)
        head = [sections(frame, PATH), tag("h1", link(PATH, TEXTS["title"]), " / ", tag("span", no, class_="num"))]
        if row is None:
            return body(head, empty(TEXTS["missing"].format(no=no), TEXTS["missing_next"]))
        lines = [_line(line, row.state) for line in found.lines if line.transfer_no == no]
        return body(
            head, _first(row), acts.buttons(row), section(TEXTS["lines"], cards(LINE_COLUMNS, lines, NUMBERS)),
            _others(await reads.pages(row.batch), no),
        )  # fmt: skip

    async def dialogs() -> Markup:
        found = await reads.pages(no)
        return acts.dialogs([line for line in found.lines if line.transfer_no == no])

    await frame.show(supply_only(frame, read))
    if frame.may(Action.MOVE_STOCK):
        await frame.show(dialogs)


def _first(row: Any) -> Markup:
    waits: Child = None
    if row.state == TransferState.APPROVAL:
        waits = [TEXTS["waits"], " ", link("/stock/approvals", TEXTS["go"])]
    shown = facts({
        COLUMNS["state"]: [state_badge(row.state), " ", waits],
        COLUMNS["why"]: said(row.reason),
        COLUMNS["by"]: said(row.asked_by),
        COLUMNS["asked"]: moment(row.asked_at),
        "出库时间": moment(row.shipped_at) if row.shipped_at else None,
        "收货时间": moment(row.received_at) if row.received_at else None,
    })  # fmt: skip
    return tag("section", tag("p", _way(row), class_="big"), shown, class_="card first")


def _line(line: Any, state: str) -> dict[str, Child]:
    return {
        "sku": link(sku_url(line.sku), line.sku, class_="open num", data_key=line.sku),
        "goods": tag("span", line.title, class_="cut", title=line.title),
        **{name: str(getattr(line, name)) for name in ("quantity", "shipped", "received")},
        "differs": differs(line.received - line.shipped) if state in {"received", "closed"} else TEXTS["none"],
    }


def differs(units: int) -> Markup:
    """Say whether what came is what was announced."""
    if not units:
        return badge(TEXTS["same"], "good")
    return badge(TEXTS["over" if units > 0 else "differs"].format(n=abs(units)), "bad")


def _others(found: Any, no: str) -> Markup | None:
    rows = [row for row in found.transfers if row.no != no]
    if not rows:
        return None
    shown = [tag("li", link(transfer_url(row.no), row.no, class_="num"), " ", _way(row), " ", state_badge(row.state))
             for row in rows]  # fmt: skip
    return section(TEXTS["others"], tag("ul", shown))


class TransferActs:
    """Shipping, receiving and cancelling the transfer of one open page."""

    def __init__(self, desk: Desk, frame: Frame, no: str) -> None:
        self._desk, self._frame, self._no = desk, frame, no
        for name, handler in (("ship", self._ship), ("receive", self._receive), ("cancel", self._cancel)):
            frame.on(name, Action.MOVE_STOCK, handler)

    def buttons(self, row: Any) -> Markup:
        """Draw the buttons; one that cannot work says why beforehand."""
        if not self._frame.may(Action.MOVE_STOCK):
            return tag("p", not_allowed(Action.MOVE_STOCK), class_="faint")
        shown = [opener(name, TEXTS[name], _why_not(name, row.state), danger=name == "cancel") for name in WHEN]
        return section(TEXTS["acts"], tag("div", shown, class_="acts"))

    def dialogs(self, lines: Iterable[Any]) -> Markup:
        """Draw the forms behind the buttons, filled with what is expected."""
        known = list(lines)
        leaving = unit_fields({line.sku: line.quantity for line in known})
        coming = unit_fields({line.sku: max(0, line.shipped - line.received) for line in known})
        reason = tag("textarea", "", name="reason", maxlength=MOST_WORDS, required=True)
        ask = [
            Ask("ship", f"{TEXTS['ship']} {self._no}", TEXTS["ship_why"], leaving),
            Ask("receive", f"{TEXTS['receive']} {self._no}", TEXTS["receive_why"], [coming, delivery_note()]),
            Ask("cancel", f"{TEXTS['cancel']} {self._no}", TEXTS["cancel_why"],
                tag("label", tag("span", TEXTS["reason"]), reason), danger=True),
        ]  # fmt: skip
        return Markup().join(dialog(one, TEXTS[one.act]) for one in ask)

    async def _ship(self, given: dict[str, str], by: By) -> str:
        units = read_units(given)
        async with self._desk.database.transaction() as tx:
            left = await transfer_moves.ship(tx, self._no, units, by.actor, by.now)
        return TEXTS["shipped"].format(no=self._no, units="、".join(f"{sku} {n} 件" for sku, n in left.items()))

    async def _receive(self, given: dict[str, str], by: By) -> str:
        arrived = by_hand(given, by)
        async with self._desk.database.transaction() as tx:
            fresh = await transfer_moves.receive(tx, self._no, arrived, by.now)
        return TEXTS["received"].format(no=self._no) if fresh else TEXTS["again"]

    async def _cancel(self, given: dict[str, str], by: By) -> str:
        reason = given.get("reason", "").strip()[:MOST_WORDS]
        if not reason:
            raise BadInput(TEXTS["no_reason"])
        async with self._desk.database.transaction() as tx:
            await transfers.cancel(tx, self._no, by.actor, reason, by.now)
        return TEXTS["cancelled"].format(no=self._no)


def _why_not(name: str, state: str) -> str:
    """Say why something cannot be done now; empty when it can."""
    if state in WHEN[name]:
        return ""
    wanted = "、".join(TRANSFERS[one][0] for one in WHEN[name])
    return TEXTS["only"].format(state=TRANSFERS[TransferState(state)][0], wanted=wanted, act=TEXTS[name])


def delivery_note() -> Markup:
    """Ask for the number of the delivery note, and whether more is to come."""
    final = tag("label", tag("input", name="final", type="checkbox", value="1"), " ", TEXTS["final"], class_="check")
    return tag("div", field(TEXTS["ref"], "ref", required=True, maxlength=64, class_="long"), final)


def by_hand(given: dict[str, str], by: By) -> ByHand:
    """Read what somebody says has arrived; BadInput when nothing has, or without the number of the delivery note."""
    units, ref = read_units(given), given.get("ref", "").strip()[:64]
    if not ref:
        raise BadInput(TEXTS["no_ref"])
    if not any(units.values()):
        raise BadInput(TEXTS["nothing"])
    return ByHand(units, ref, given.get("final") == "1", by.actor)
