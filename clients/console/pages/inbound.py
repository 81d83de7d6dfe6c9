"""/stock/inbound and /stock/inbound/{no}: what suppliers send, when, who answers for it, what is missing (INV-13)."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from markupsafe import Markup
from starlette.requests import Request

from clients.console.count_words import STAGES
from clients.console.forms import Ask, cards, chooser, dialog, facts, field, opener
from clients.console.frame import Desk, Frame, framed, not_allowed, page_at
from clients.console.html import Child, badge, body, countdown, empty, link, moment, section, tag
from clients.console.lists import tabs, zone_of
from clients.console.pages.transfers import by_hand, delivery_note, differs
from clients.console.stock_frame import sku_url
from clients.console.stock_nav import sections, supply_only
from clients.console.units import unit_fields
from clients.console.words import said
from clients.settings import ClientSettings
from domain.errors import BadInput
from domain.inbound import LATE, NO_CUSTOMS_NO, NO_OWNER, ORDER, Inbound, Stage, lacks, refuse_move
from domain.permissions import Action
from store import inbound, settings_docs
from store.inbound import Step
from store.reads.inbound import InboundPage, InboundReads
from store.replay import By

PATH = "/stock/inbound"
MOST = 200
MOST_WORDS = 64

TEXTS = {
    "title": "到货",
    "under_way": "在途",
    "all": "全部",
    "tabs": "到货分组",
    "empty": "没有在途的到货单。",
    "empty_next": "用 oms inbound add 登记采购或补货。",
    "missing": "没有这张到货单：{no}",
    "missing_next": "请回到到货列表查找。",
    "complete": "齐全",
    "customs_soon": "清关前要填清关单号",
    "nobody": "没有负责人",
    "not_given": "未填",
    "overseas": "海外",
    "home": "国内",
    "acts": "处理",
    "stage": "推进阶段",
    "details": "改负责人、单号、时间",
    "receive": "收货",
    "stage_why": "阶段只能向前。“已入库”由收货决定。",
    "details_why": "负责人写登录名。到货时间按您所在时区。",
    "receive_why": "填实际收到的件数。少收多收都按实收入账，并发出告警。",
    "is_received": "已入库",
    "last": "已到最后一个阶段，请收货",
    "goods": "商品",
    "story": "经过",
    "moved": "{no} 现在是“{stage}”。",
    "noted": "{no} 已更新。",
    "received": "{no} 已收货。",
    "again": "这张送货单已经记过，没有改动。",
    "bad_eta": "到货时间没有看懂，请重新选择。",
    "no_owner": "请写负责人。",
    "bad_stage": "请选择一个阶段。",
    "to": "改为",
}
MISSING = {NO_OWNER: "没有负责人", NO_CUSTOMS_NO: "缺清关单号", LATE: "逾期未到"}
"""What is wrong with a shipment (domain/inbound.py), in short."""
COLUMNS = {
    "no": "到货单", "eta": "预计到货", "missing": "缺什么", "stage": "阶段", "owner": "负责人", "customs": "清关单号",
    "supplier": "供应商", "warehouse": "仓库", "units": "件数", "received": "已收",
}  # fmt: skip
LINE_COLUMNS = {"sku": "SKU", "goods": "品名", "quantity": "预报", "received": "实收", "differs": "差异"}
STORY_COLUMNS = {"at": "时间", "stage": "阶段", "owner": "负责人", "actor": "操作人"}
NUMBERS = frozenset({"units", "received", "quantity"})


def register(desk: Desk) -> None:
    """Register the pages."""

    @page_at(PATH)
    async def listed(request: Request) -> None:
        await _draw_list(desk, request)

    @page_at(PATH + "/{no}")
    async def one(request: Request, no: str) -> None:
        await _draw_one(desk, request, no)


async def _draw_list(desk: Desk, request: Request) -> None:
    frame, reads = framed(desk, request, TEXTS["title"], "/stock"), InboundReads(desk.database)
    everything = request.query_params.get("all") == "1"

    async def read() -> Markup:
        rows, late = await reads.rows(everything, MOST), await _late_seconds(desk)
        items: list[tuple[str, str, object, bool]] = [
            (TEXTS["under_way"], PATH, None, not everything),
            (TEXTS["all"], f"{PATH}?all=1", None, everything),
        ]
        shown = cards(COLUMNS, [_cells(row, late, desk.clock()) for row in rows], NUMBERS)
        nothing = empty(TEXTS["empty"], TEXTS["empty_next"])
        head = [sections(frame, PATH), tag("h1", TEXTS["title"]), tabs(items, TEXTS["tabs"])]
        return body(head, shown if rows else nothing)

    await frame.show(supply_only(frame, read))


async def _late_seconds(desk: Desk) -> float:
    async with desk.database.transaction() as tx:
        return (await settings_docs.stock_rules(tx, ClientSettings().profile)).inbound_late_seconds


def _cells(row: Any, late: float, now: datetime) -> dict[str, Child]:
    return {
        "no": link(f"{PATH}/{row.no}", row.no, class_="open num", data_key=row.no),
        "eta": _eta(row),
        "missing": missing(row, late, now),
        "stage": STAGES[Stage(row.stage)],
        "owner": row.owner or badge(TEXTS["nobody"], "bad"),
        "customs": row.customs_no or ("—" if not row.overseas else TEXTS["not_given"]),
        "supplier": tag("span", row.supplier, class_="cut", title=row.supplier),
        "warehouse": row.warehouse,
        "units": str(row.units),
        "received": str(row.received),
    }


def _eta(row: Any) -> Child:
    if row.received_at is not None:
        return moment(row.eta)
    return [moment(row.eta), " ", countdown(row.eta)]


def missing(row: Any, late: float, now: datetime) -> Markup:
    """Show in red what is wrong with a shipment, and in yellow what will be."""
    stage = Stage(row.stage)
    shipment = Inbound(row.no, stage, row.eta, row.owner, row.customs_no, row.overseas)
    found = [badge(MISSING[lack.kind], "bad") for lack in lacks(shipment, late, now)]
    ahead = ORDER.index(stage) < ORDER.index(Stage.CUSTOMS)
    if row.overseas and not row.customs_no and ahead:
        found.append(badge(TEXTS["customs_soon"], "warn"))
    return Markup(" ").join(found) if found else badge(TEXTS["complete"], "good")


async def _draw_one(desk: Desk, request: Request, no: str) -> None:
    frame, reads = framed(desk, request, no, "/stock"), InboundReads(desk.database)
    acts = InboundActs(desk, frame, no, zone_of(request))

    async def read() -> Markup:
        page = await reads.page(no)
        head = [sections(frame, PATH), tag("h1", link(PATH, TEXTS["title"]), " / ", tag("span", no, class_="num"))]
        if page is None:
            return body(head, empty(TEXTS["missing"].format(no=no), TEXTS["missing_next"]))
        first = _first(page.shipment, await _late_seconds(desk), desk.clock())
        return body(head, first, acts.buttons(page), tag("div", _goods(page), _story(page), class_="two"))

    async def dialogs() -> Markup:
        page = await reads.page(no)
        return acts.dialogs(page) if page else Markup()

    await frame.show(supply_only(frame, read))
    if frame.may(Action.MOVE_STOCK):
        await frame.show(dialogs)


def _first(row: Any, late: float, now: datetime) -> Markup:
    here = ORDER.index(Stage(row.stage))
    passed = [stage for stage in ORDER if stage is not Stage.CUSTOMS or row.overseas]
    steps = [
        tag("li", STAGES[stage], class_="done" if ORDER.index(stage) <= here else None,
            aria_current="step" if stage == row.stage else None)
        for stage in passed
    ]  # fmt: skip
    shown = facts({
        COLUMNS["missing"]: missing(row, late, now),
        COLUMNS["eta"]: _eta(row),
        COLUMNS["owner"]: row.owner or badge(TEXTS["nobody"], "bad"),
        COLUMNS["customs"]: row.customs_no or (TEXTS["not_given"] if row.overseas else None),
        COLUMNS["supplier"]: [row.supplier, "（", TEXTS["overseas" if row.overseas else "home"], "）"],
        COLUMNS["warehouse"]: row.warehouse,
    })  # fmt: skip
    bad = any(lacks(Inbound(row.no, Stage(row.stage), row.eta, row.owner, row.customs_no, row.overseas), late, now))
    return tag("section", tag("ol", steps, class_="steps"), shown, class_="card first bad" if bad else "card first")


def _goods(page: InboundPage) -> Markup:
    ended = page.shipment.received_at is not None
    rows: list[dict[str, Child]] = [
        {
            "sku": link(sku_url(line.sku), line.sku, class_="open num", data_key=line.sku),
            "goods": tag("span", line.title, class_="cut", title=line.title),
            "quantity": str(line.quantity),
            "received": str(line.received),
            "differs": differs(line.received - line.quantity) if ended else "—",
        }
        for line in page.lines
    ]
    return section(TEXTS["goods"], cards(LINE_COLUMNS, rows, NUMBERS))


def _story(page: InboundPage) -> Markup:
    rows: list[dict[str, Child]] = [
        {"at": moment(one.at), "stage": STAGES[Stage(one.stage)], "owner": one.owner or "—", "actor": said(one.actor)}
        for one in page.stages
    ]
    return section(TEXTS["story"], cards(STORY_COLUMNS, rows))


class InboundActs:
    """Moving the shipment of one open page on, naming what is missing, receiving it."""

    def __init__(self, desk: Desk, frame: Frame, no: str, zone: ZoneInfo) -> None:
        self._desk, self._frame, self._no, self._zone = desk, frame, no, zone
        for name, handler in (("stage", self._stage), ("details", self._details), ("receive", self._receive)):
            frame.on(name, Action.MOVE_STOCK, handler)

    def buttons(self, page: InboundPage) -> Markup:
        """Draw the buttons; one that cannot work says why beforehand."""
        if not self._frame.may(Action.MOVE_STOCK):
            return tag("p", not_allowed(Action.MOVE_STOCK), class_="faint")
        ended = TEXTS["is_received"] if page.shipment.received_at is not None else ""
        last = "" if _ahead(page.shipment) else TEXTS["last"]
        why = {"stage": ended or last, "details": ended, "receive": ended}
        shown = [opener(name, TEXTS[name], reason) for name, reason in why.items()]
        return section(TEXTS["acts"], tag("div", shown, class_="acts"))

    def dialogs(self, page: InboundPage) -> Markup:
        """Draw the forms behind the buttons."""
        row, no = page.shipment, self._no
        due = unit_fields({line.sku: max(0, line.quantity - line.received) for line in page.lines})
        eta = f"{row.eta.astimezone(self._zone):%Y-%m-%dT%H:%M}"
        customs = field(COLUMNS["customs"], "customs_no", value=row.customs_no, maxlength=MOST_WORDS)
        entries = [
            field(COLUMNS["owner"], "owner", value=row.owner, maxlength=MOST_WORDS, required=True),
            customs if row.overseas else None,
            field(COLUMNS["eta"], "eta", type="datetime-local", value=eta, required=True),
        ]
        asked = [
            Ask("stage", f"{TEXTS['stage']} {no}", TEXTS["stage_why"], chooser(TEXTS["to"], "stage", _ahead(row))),
            Ask("details", no, TEXTS["details_why"], entries),
            Ask("receive", f"{TEXTS['receive']} {no}", TEXTS["receive_why"], [due, delivery_note()]),
        ]
        return Markup().join(dialog(one, TEXTS[one.act]) for one in asked)

    async def _stage(self, given: dict[str, str], by: By) -> str:
        words = given.get("stage", "")
        if words not in list(Stage):
            raise BadInput(TEXTS["bad_stage"])
        await self._move(Step(Stage(words)), by)
        return TEXTS["moved"].format(no=self._no, stage=STAGES[Stage(words)])

    async def _details(self, given: dict[str, str], by: By) -> str:
        owner, customs = given.get("owner", "").strip()[:MOST_WORDS], given.get("customs_no")
        if not owner:
            raise BadInput(TEXTS["no_owner"])
        try:
            eta = datetime.fromisoformat(given.get("eta", "")).replace(tzinfo=self._zone)
        except ValueError:
            raise BadInput(TEXTS["bad_eta"]) from None
        await self._move(Step(None, owner, None if customs is None else customs.strip()[:MOST_WORDS], eta), by)
        return TEXTS["noted"].format(no=self._no)

    async def _move(self, step: Step, by: By) -> None:
        async with self._desk.database.transaction() as tx:
            await inbound.move(tx, self._no, step, by.actor, by.now)

    async def _receive(self, given: dict[str, str], by: By) -> str:
        arrived = by_hand(given, by)
        async with self._desk.database.transaction() as tx:
            fresh = await inbound.receive(tx, self._no, arrived, by.now)
        return TEXTS["received"].format(no=self._no) if fresh else TEXTS["again"]


def _ahead(row: Any) -> dict[str, str]:
    """Give the stages that a shipment may be moved on to, the next one first."""
    found = {}
    for stage in ORDER:
        try:
            refuse_move(Stage(row.stage), stage, row.overseas)
        except ValueError:
            continue
        if stage != row.stage:
            found[stage.value] = STAGES[stage]
    return found
