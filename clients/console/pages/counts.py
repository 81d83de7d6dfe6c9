"""/stock/counts and /stock/counts/{no}: our numbers against the warehouse's, and what became of it (INV-10)."""

from typing import Any

from markupsafe import Markup
from starlette.requests import Request

from clients.console.count_words import ADJUSTMENTS, GRADES, SCOPES, VERDICTS
from clients.console.forms import cards, chooser, facts, with_orders
from clients.console.frame import Desk, Frame, framed, not_allowed, page_at
from clients.console.html import Child, badge, body, empty, link, moment, section, tag, url
from clients.console.stock_frame import sku_url
from clients.console.stock_nav import sections, supply_only
from clients.console.words import said
from clients.settings import ClientSettings
from clients.temporal_stock import count_now
from domain.counting import CountStart, Grade, LineVerdict
from domain.errors import BadInput
from domain.permissions import Action
from store import places, settings_docs
from store.reads.counts import CountPage, CountReads
from store.replay import By

PATH = "/stock/counts"
MOST = 100

TEXTS = {
    "title": "盘点",
    "start": "开始盘点",
    "warehouse": "仓库",
    "start_why": "向仓库系统逐个核对库存；有差异的过一会儿复盘。小差异自动入账，大差异等第二人审批。目标准确率 {n}%。",
    "started": "{warehouse} 开始盘点，结果会自动出现在这里。",
    "no_wms": "{warehouse} 没有仓库系统，请在 SKU 页面按实数设置。",
    "nobody": "还没有带仓库系统的仓库，不能自动盘点。",
    "empty": "还没有盘点过。",
    "empty_next": "每天凌晨自动盘点一次；也可以在上面开始。",
    "missing": "没有这次盘点：{no}",
    "missing_next": "请回到盘点列表查找。",
    "agree": "全部一致，没有差异。",
    "runs_yet": "还在盘点，差异会自动出现。",
    "target": "目标 {n}%",
    "reached": "达标",
    "below": "低于目标",
    "runs": "进行中",
    "failed": "未完成：{why}",
    "differences": "差异",
    "figures": "准确率 {percent}%，{agreed} 个商品一致，{differing} 个有差异",
    "figures_open": "{unsettled} 个未定",
    "blocked": "未入账的差异：先处理这些订单",
    "blocked_why": "入账会让这些订单缺货。取消、改仓或发货之后会自动再试。",
    "waits": "去审批",
    "none": "—",
}
COLUMNS = {
    "no": "盘点单", "warehouse": "仓库", "accuracy": "准确率", "differing": "有差异", "unsettled": "未定",
    "agreed": "一致", "scope": "范围", "begun": "开始", "ended": "结束", "by": "发起人",
}  # fmt: skip
LINE_COLUMNS = {
    "sku": "SKU", "grade": "品级", "ours": "我方", "theirs": "仓库", "units": "差异", "verdict": "结论",
    "became": "处理", "why": "说明",
}  # fmt: skip
NUMBERS = frozenset({"accuracy", "differing", "unsettled", "agreed", "ours", "theirs", "units"})


def register(desk: Desk) -> None:
    """Register the pages."""

    @page_at(PATH)
    async def counts(request: Request) -> None:
        await _draw_list(desk, request)

    @page_at(PATH + "/{no}")
    async def count(request: Request, no: str) -> None:
        await _draw_one(desk, request, no)


async def _draw_list(desk: Desk, request: Request) -> None:
    frame, reads = framed(desk, request, TEXTS["title"], "/stock"), CountReads(desk.database)

    async def read() -> Markup:
        rows, target = await reads.rows(MOST), await _target(desk)
        shown = [_cells(row, target) for row in rows]
        listed = cards(COLUMNS, shown, NUMBERS) if rows else empty(TEXTS["empty"], TEXTS["empty_next"])
        return body(sections(frame, PATH), tag("h1", TEXTS["title"]), await _start_form(desk, frame), listed)

    async def start(given: dict[str, str], by: By) -> str:
        warehouse = given.get("warehouse", "")
        async with desk.database.transaction() as tx:
            place = await places.place(tx, warehouse)
            timing = await settings_docs.timing(tx, ClientSettings().profile)
        if not place.has_wms:
            raise BadInput(TEXTS["no_wms"].format(warehouse=warehouse))
        await count_now(await desk.engine.client(), CountStart(warehouse, by.actor, timing.count.recheck_seconds))
        return TEXTS["started"].format(warehouse=place.name)

    frame.on("count", Action.COUNT_STOCK, start)
    await frame.show(supply_only(frame, read))


async def _target(desk: Desk) -> float:
    async with desk.database.transaction() as tx:
        return (await settings_docs.stock_rules(tx, ClientSettings().profile)).count_target_percent


async def _start_form(desk: Desk, frame: Frame) -> Markup:
    if not frame.may(Action.COUNT_STOCK):
        return tag("p", not_allowed(Action.COUNT_STOCK), class_="faint")
    async with desk.database.transaction() as tx:
        there = [place for place in (await places.all_places(tx)).values() if place.has_wms]
    if not there:
        return tag("p", TEXTS["nobody"], class_="faint")
    options = {place.code: f"{place.name}（{place.code}）" for place in there}
    button = tag("button", TEXTS["start"], class_="primary", id="act-count")
    why = tag("span", TEXTS["start_why"].format(n=f"{await _target(desk):g}"), class_="faint")
    return tag(
        "form", chooser(TEXTS["warehouse"], "warehouse", options), button, why, data_act="count", class_="filters"
    )


def count_url(no: str) -> str:
    """Name the page of a count."""
    return f"{PATH}/{no}"


def _cells(row: Any, target: float) -> dict[str, Child]:
    return {
        "no": link(count_url(row.no), row.no, class_="open num", data_key=row.no),
        "warehouse": row.warehouse,
        "accuracy": _accuracy(row, target),
        **{name: str(getattr(row, name)) for name in ("differing", "unsettled", "agreed")},
        "scope": SCOPES.get(row.scope, row.scope),
        "begun": moment(row.begun_at),
        "ended": moment(row.ended_at),
        "by": said(row.asked_by),
    }


def _accuracy(row: Any, target: float) -> Markup:
    """Show how accurate a count found us, against the target; or why there is no figure."""
    if row.failed:
        return badge(TEXTS["failed"].format(why=said(row.failed)), "bad")
    if row.ended_at is None:
        return badge(TEXTS["runs"], "calm", "…")
    if row.accuracy is None:
        return tag("span", TEXTS["none"], class_="faint")
    well = row.accuracy >= target
    return badge(f"{row.accuracy:.2f}%", "good" if well else "bad")


async def _draw_one(desk: Desk, request: Request, no: str) -> None:
    frame, reads = framed(desk, request, no, "/stock"), CountReads(desk.database)

    async def read() -> Markup:
        page = await reads.page(no)
        head = tag("h1", link(PATH, TEXTS["title"]), " / ", tag("span", no, class_="num"))
        if page is None:
            return body(sections(frame, PATH), head, empty(TEXTS["missing"].format(no=no), TEXTS["missing_next"]))
        return body(sections(frame, PATH), head, _first(page, await _target(desk)), _blocked(page), _differences(page))

    await frame.show(supply_only(frame, read))


def _first(page: CountPage, target: float) -> Markup:
    row = page.count
    well = not row.failed and (row.accuracy is None or row.accuracy >= target)
    words = TEXTS["runs_yet"] if row.ended_at is None else TEXTS["failed"].format(why=said(row.failed))
    if row.accuracy is not None and not row.failed:
        percent = f"{row.accuracy:.2f}"
        words = TEXTS["figures"].format(percent=percent, agreed=row.agreed, differing=row.differing)
        words += f"，{TEXTS['figures_open'].format(unsettled=row.unsettled)}" if row.unsettled else ""
    judged = badge(TEXTS["reached" if well else "below"], "good" if well else "bad")
    shown = facts({
        TEXTS["target"].format(n=f"{target:g}"): judged if row.accuracy is not None else TEXTS["none"],
        COLUMNS["warehouse"]: row.warehouse,
        COLUMNS["scope"]: SCOPES.get(row.scope, row.scope),
        COLUMNS["begun"]: [moment(row.begun_at), " — ", moment(row.ended_at)],
        COLUMNS["by"]: said(row.asked_by),
    })  # fmt: skip
    return tag(
        "section", tag("p", words, class_="big", id="figures"), shown, class_=f"card first {'' if well else 'bad'}"
    )


def _blocked(page: CountPage) -> Markup | None:
    """Name the orders that keep a difference from being booked."""
    rows = [
        tag("li", tag("strong", f"{line.sku} {line.units:+d}"), " ", tag("span", with_orders(line.why), class_="wrap"))
        for line in page.lines
        if line.state == "blocked"
    ]
    if not rows:
        return None
    return section(TEXTS["blocked"], tag("p", TEXTS["blocked_why"]), tag("ul", rows), id="blocked")


def _differences(page: CountPage) -> Markup:
    if not page.lines:
        return section(TEXTS["differences"], empty(TEXTS["agree" if page.count.ended_at else "runs_yet"]))
    return section(TEXTS["differences"], cards(LINE_COLUMNS, [_line(line) for line in page.lines], NUMBERS))


def _line(line: Any) -> dict[str, Child]:
    words, tone = VERDICTS[LineVerdict(line.verdict)]
    became: Child = TEXTS["none"]
    if line.state:
        state, colour = ADJUSTMENTS.get(line.state, (line.state, "calm"))
        became = [badge(state, colour), " ", tag("span", line.adjustment, class_="faint num")]
    if line.state == "waiting":
        became = [became, " ", link(url("/stock/approvals"), TEXTS["waits"])]
    return {
        "sku": link(sku_url(line.sku), line.sku, class_="open num", data_key=f"{line.sku}-{line.grade}"),
        "grade": GRADES[Grade(line.grade)],
        "ours": str(line.ours),
        "theirs": str(line.theirs),
        "units": tag("strong", f"{line.units:+d}"),
        "verdict": badge(words, tone),
        "became": became,
        "why": tag("span", with_orders(line.why or line.reason), class_="wrap"),
    }
