"""/stock/reports: how fast stock sells and how old it is, with charts; the same as a file (INV-9)."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from markupsafe import Markup
from nicegui import app
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from clients.console import charts
from clients.console.count_words import PACES
from clients.console.forms import cards, field
from clients.console.frame import Desk, framed, no_download, not_allowed, page_at, when_calm
from clients.console.gate import session_of
from clients.console.html import Child, badge, body, empty, link, section, tag, url
from clients.console.lists import tabs
from clients.console.stock_frame import sku_url
from clients.console.stock_nav import sections, supply_only
from clients.settings import ClientSettings
from domain.permissions import Action
from domain.turnover import BOUNDS, WORST_FIRST, Pace, Turnover, distribution
from store import settings_docs, turnover

PATH = "/stock/reports"
FILE = f"{PATH}/turnover.csv"
MOST = 200
READ_EVERY = 60.0

TEXTS = {
    "title": "报表",
    "tabs": "按周转",
    "all": "全部",
    "download": "下载 CSV",
    "sku": "SKU",
    "see": "看每天销量",
    "clear": "清除",
    "none": "没有这样的商品。",
    "none_next": "只统计有库存或近 30 天有销量的商品。",
    "no_sku": "没有 {sku} 的库存和销量。",
    "days": "库存还能卖多少天（商品数）",
    "below": "不到 {n} 天",
    "between": "{a}–{b} 天",
    "above": "{n} 天以上",
    "never": "30 天没有销量",
    "sales": "{sku} 近 30 天每天销量（件），最多一天 {most}，合计 {total}",
    "more": "只列出前 {n} 个，全部请下载。",
    "explain": "快卖完：按近 30 天销量，库存不够卖 {fast} 天。滞销：近 30 天销量不到 {slow} 件。",
    "per_day": "每天销量",
    "distribution": "库存天数分布",
}
COLUMNS = {
    "sku": "SKU", "goods": "品名", "pace": "周转", "on_hand": "在库", "sold_7": "7 天销量", "sold_30": "30 天销量",
    "stock_days": "还能卖（天）", "age_days": "最老库龄（天）",
}  # fmt: skip
NUMBERS = frozenset({"on_hand", "sold_7", "sold_30", "stock_days", "age_days"})


@dataclass(frozen=True, slots=True)
class Report:
    """Every SKU with its pace, the worst first, and the limits that the pace was named by."""

    rows: list[tuple[Pace, Turnover]]
    slow: int
    fast: int


def register(desk: Desk) -> None:
    """Register the page and the download."""

    @page_at(PATH)
    async def reports(request: Request) -> None:
        await _draw(desk, request)

    async def download(request: Request) -> Response:
        if not session_of(request).may(Action.SEE_SUPPLY):
            return PlainTextResponse(f"{not_allowed(Action.SEE_SUPPLY)}\n", 403)
        if (later := no_download(desk)) is not None:
            return later
        named = {"Content-Disposition": 'attachment; filename="turnover.csv"'}
        content = _csv((await _report(desk)).rows)
        return Response(content, media_type="text/csv; charset=utf-8", headers=named)

    app.add_api_route(FILE, download, methods=["GET"], response_model=None)


async def _report(desk: Desk) -> Report:
    async with desk.database.transaction() as tx:
        rules = await settings_docs.stock_rules(tx, ClientSettings().profile)
        found = await turnover.figures(tx, desk.clock())
    slow, fast = rules.slow_units_per_month, rules.fast_days
    rows = [(one.pace(slow, fast), one) for one in found]
    rows.sort(key=lambda row: (WORST_FIRST[row[0]], row[1].stock_days or 0, row[1].sku))
    return Report(rows, slow, fast)


async def _draw(desk: Desk, request: Request) -> None:
    frame, sku = framed(desk, request, TEXTS["title"], "/stock"), request.query_params.get("sku", "").strip()
    pace = request.query_params.get("pace", "")
    wanted = Pace(pace) if pace in list(Pace) else None

    async def read() -> Markup:
        report = await _report(desk)
        head = [
            tag("h1", TEXTS["title"]),
            link(FILE, TEXTS["download"], class_="button", download="turnover.csv"),
        ]
        explained = TEXTS["explain"].format(fast=report.fast, slow=report.slow)
        drawn = tag("div", _days(report, report.fast), await _sales(desk, sku, report), class_="grid")
        return body(
            sections(frame, PATH), tag("div", head, class_="row headed"), drawn, _tabs(report, wanted),
            tag("p", explained, class_="faint"), _table(report, wanted),
        )  # fmt: skip

    await frame.show(when_calm(desk, supply_only(frame, read)), READ_EVERY)


def _tabs(report: Report, wanted: Pace | None) -> Markup:
    counts = {pace: sum(one is pace for one, _ in report.rows) for pace in PACES}
    items: list[tuple[str, str, object, bool]] = [(TEXTS["all"], PATH, len(report.rows), wanted is None)]
    items += [(words, url(PATH, pace=one.value), counts[one], wanted is one) for one, (words, _) in PACES.items()]
    return tabs(items, TEXTS["tabs"])


def _steps() -> list[str]:
    """Name the steps of the distribution."""
    between = [TEXTS["between"].format(a=a, b=b - 1) for a, b in pairwise(BOUNDS)]
    return [
        TEXTS["below"].format(n=BOUNDS[0]),
        *between,
        TEXTS["above"].format(n=BOUNDS[-1]),
        TEXTS["never"],
    ]


def _days(report: Report, fast: int) -> Markup:
    counts = distribution(one for _, one in report.rows)
    tones = ["bad" if bound <= fast else "" for bound in BOUNDS] + ["warn", "warn"]
    items = list(zip(_steps(), counts, tones, strict=True))
    return section(TEXTS["distribution"], charts.lines(items, TEXTS["days"]), id="days")


async def _sales(desk: Desk, sku: str, report: Report) -> Markup:
    """Draw the sales per day of the SKU that was asked for; without one, of the one that sold most."""
    best = max(report.rows, key=lambda row: row[1].sold_30, default=None)
    shown = sku or (best[1].sku if best and best[1].sold_30 else "")
    entry = field(TEXTS["sku"], "sku", value=shown, id="report-sku", maxlength=100, data_keep=True)
    form = tag("form", entry, tag("button", TEXTS["see"]), class_="filters", action=PATH)
    async with desk.database.transaction() as tx:
        found = await turnover.sales(tx, shown, desk.clock()) if shown else []
    total = sum(n for _, n in found)
    if not total:
        return section(TEXTS["per_day"], form, empty(TEXTS["no_sku"].format(sku=shown) if shown else TEXTS["none"]))
    words = TEXTS["sales"].format(sku=shown, most=max(n for _, n in found), total=total)
    drawn = charts.columns([(f"{day:%m-%d}", n) for day, n in found], words)
    return section(TEXTS["per_day"], form, drawn, id="sales")


def _table(report: Report, wanted: Pace | None) -> Markup:
    rows = [row for row in report.rows if wanted in {None, row[0]}]
    if not rows:
        return empty(TEXTS["none"], TEXTS["none_next"])
    more = tag("p", TEXTS["more"].format(n=MOST), class_="faint") if len(rows) > MOST else None
    return tag("div", cards(COLUMNS, [_cells(*row) for row in rows[:MOST]], NUMBERS), more, class_="card")


def _cells(pace: Pace, one: Turnover) -> dict[str, Child]:
    words, tone = PACES[pace]
    return {
        "sku": link(sku_url(one.sku), one.sku, class_="open num", data_key=one.sku),
        "goods": tag("span", one.title, class_="cut", title=one.title),
        "pace": badge(words, tone),
        "stock_days": link(url(PATH, sku=one.sku), _figure(one.stock_days), title=TEXTS["see"]),
        **{name: _figure(getattr(one, name)) for name in ("on_hand", "sold_7", "sold_30", "age_days")},
    }


def _figure(n: int | None) -> str:
    return "—" if n is None else str(n)


def _csv(rows: Sequence[tuple[Pace, Turnover]]) -> bytes:
    """Write the report as a spreadsheet reads it (UTF-8 with BOM)."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(COLUMNS.values())
    for pace, one in rows:
        figures = (one.on_hand, one.sold_7, one.sold_30, one.stock_days, one.age_days)
        writer.writerow((one.sku, one.title, PACES[pace][0], *("" if n is None else n for n in figures)))
    return text.getvalue().encode("utf-8-sig")
