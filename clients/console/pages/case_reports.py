"""/cases/reports: why cases are opened, by product, batch, packaging, courier (AFT-8); how long they take (AFT-9)."""

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from markupsafe import Markup
from nicegui import app
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from clients.console import charts
from clients.console.case_words import DIMENSIONS, KINDS, STATES, value_words
from clients.console.forms import cards, field
from clients.console.frame import Desk, framed, no_download, not_allowed, page_at, when_calm
from clients.console.gate import session_of
from clients.console.html import Child, badge, body, empty, failure, link, section, tag, url
from clients.console.lists import tabs, zone_of
from clients.console.pages.cases import day_of, reason_words
from clients.console.words import CARRIERS
from clients.durations import fitting
from domain.errors import BadInput
from domain.permissions import Action
from store.reads.case_reports import CaseReports, Cycle, CycleReport, Period, Reasons

PATH = "/cases/reports"
FILE = f"{PATH}/cases.csv"
DAYS = 30
MOST_COLUMNS = 6
READ_EVERY = 60.0
TEXTS = {
    "cases": "售后",
    "title": "统计",
    "from": "申请从",
    "to": "申请到（含）",
    "show": "查看",
    "download": "下载 CSV",
    "why": "原因统计",
    "chart": "各原因的次数",
    "by": "按什么统计",
    "none": "这段时间没有售后。",
    "none_next": "换一段时间再看。",
    "value": "{dimension}",
    "total": "合计",
    "share": "占比",
    "others": "其他原因",
    "many": "一张售后单有几种商品时，每种各计一次。",
    "cycle": "处理时长",
    "mean": "平均时长",
    "mean_why": "目标：不超过 {n:g} 小时",
    "closed": "结案率",
    "closed_why": "目标：不低于 {n:g}%",
    "ours": "我方平均用时",
    "ours_why": "不含买家寄回和快递运输",
    "met": "达标",
    "missed": "未达标",
    "percent": "{n:.1f}%",
    "in_hours": "{word}（小时）",
    "steps": "每一步平均多久",
    "explain": "时长从申请算到结束；还没有结束的不计入时长，计入结案率。",
    "bad": "日期不能用，请重新选择。",
}
UNITS = {"s": "秒", "min": "分钟", "h": "小时", "d": "天"}
TIMES = {"mean": "平均", "median": "中位", "p95": "95% 以内"}
CYCLE_HEADS = {"kind": "类型", "opened": "申请", "closed": "结束", "percent": "结案率", **TIMES}
STEP_HEADS = {"step": "步骤", "n": "经过", **TIMES}
NUMBERS = frozenset({"opened", "closed", "percent", "mean", "median", "p95", "n"})


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address asks for; `query` has the days as they are shown."""

    by: str
    period: Period
    query: dict[str, str]


def register(desk: Desk) -> None:
    """Register the page and the download."""

    @page_at(PATH)
    async def reports(request: Request) -> None:
        await _draw(desk, request)

    async def download(request: Request) -> Response:
        if not session_of(request).may(Action.SEE_CASES):
            return PlainTextResponse(f"{not_allowed(Action.SEE_CASES)}\n", 403)
        if (later := no_download(desk)) is not None:
            return later
        try:
            asked = asked_of(request.query_params, desk.clock(), zone_of(request))
        except BadInput:
            return PlainTextResponse(f"{TEXTS['bad']}\n", 400)
        content = await _csv(CaseReports(desk.database), asked.period, await reason_words(desk))
        named = {"Content-Disposition": 'attachment; filename="cases.csv"'}
        return Response(content, media_type="text/csv; charset=utf-8", headers=named)

    app.add_api_route(FILE, download, methods=["GET"], response_model=None)


def asked_of(query: Mapping[str, str], now: datetime, zone: ZoneInfo) -> Asked:
    """Read the address: the last DAYS days by product where it says nothing; BadInput on a day that is none."""
    today = now.astimezone(zone).date()
    first, last = query.get("from", "").strip(), query.get("to", "").strip()
    first = first or str(_before(today, DAYS - 1))
    last = last or str(today)
    since, until = day_of(first, zone), day_of(last, zone, days=1)
    by = query.get("by", "sku")
    if since is None or until is None or until <= since or by not in DIMENSIONS:
        raise BadInput(f"from {first} to {last} by {by}: no such period or way")
    return Asked(by, Period(since.astimezone(UTC), until.astimezone(UTC)), {"by": by, "from": first, "to": last})


def _before(day: date, days: int) -> date:
    return day - timedelta(days=days)


async def _draw(desk: Desk, request: Request) -> None:
    frame, reads = framed(desk, request, TEXTS["title"], "/cases"), CaseReports(desk.database)

    async def read() -> Markup:
        if not frame.may(Action.SEE_CASES):
            return body(empty(not_allowed(Action.SEE_CASES)))
        trail = tag("h1", link("/cases", TEXTS["cases"]), " / ", TEXTS["title"])
        try:
            asked = asked_of(request.query_params, desk.clock(), zone_of(request))
        except BadInput:
            return body(trail, failure(TEXTS["bad"]), link(PATH, TEXTS["show"], class_="button"))
        words = await reason_words(desk)
        cycle, reasons = await reads.cycle(asked.period), await reads.reasons(asked.by, asked.period)
        head = tag(
            "div", trail, link(url(FILE, **asked.query), TEXTS["download"], class_="button", download="cases.csv"),
            class_="row headed",
        )  # fmt: skip
        return body(head, _period(asked), _cycle(cycle), _why(asked, reasons, words))

    await frame.show(when_calm(desk, read), READ_EVERY)


def _period(asked: Asked) -> Markup:
    fields = [
        tag("input", type="hidden", name="by", value=asked.by),
        field(TEXTS["from"], "from", type="date", value=asked.query["from"]),
        field(TEXTS["to"], "to", type="date", value=asked.query["to"]),
        tag("button", TEXTS["show"]),
    ]
    return tag("form", fields, class_="filters", action=PATH)


def _cycle(found: CycleReport) -> Markup:
    whole, targets = found.all, found.targets
    if not whole.opened:
        return section(TEXTS["cycle"], empty(TEXTS["none"], TEXTS["none_next"]), id="cycle")
    percent = whole.closed_percent
    mean_met = None if whole.mean is None else whole.mean <= targets.mean_hours
    closed_met = None if percent is None else percent >= targets.closed_percent
    figures = [
        _figure("mean", lasting(whole.mean), TEXTS["mean_why"].format(n=targets.mean_hours), mean_met),
        _figure("closed", share(percent), TEXTS["closed_why"].format(n=targets.closed_percent), closed_met),
        _figure("ours", lasting(found.ours_hours), TEXTS["ours_why"], None),
    ]
    kinds = [_kind(one) for one in [whole, *found.kinds]]
    steps: list[dict[str, Child]] = [
        {
            "step": STATES.get(one.step, (one.step,))[0],
            "n": str(one.n),
            "mean": lasting(one.mean),
            "median": lasting(one.median),
            "p95": lasting(one.p95),
        }
        for one in found.steps
    ]
    return section(
        TEXTS["cycle"],
        tag("ul", figures, class_="figures"),
        tag("p", TEXTS["explain"], class_="faint"),
        tag("div", tag("div", cards(CYCLE_HEADS, kinds, NUMBERS)), tag("div", cards(STEP_HEADS, steps, NUMBERS)),
            class_="two"),
        id="cycle",
    )  # fmt: skip


def _figure(name: str, figure: str, why: str, met: bool | None) -> Markup:
    told = badge(TEXTS["met" if met else "missed"], "good" if met else "bad") if met is not None else None
    words = tag("div", tag("b", figure), tag("div", TEXTS[name], " ", told), tag("small", why, class_="faint"))
    return tag("li", words, class_="bad" if met is False else None, id=f"figure-{name}")


def _kind(one: Cycle) -> dict[str, Child]:
    return {
        "kind": KINDS.get(one.kind, TEXTS["total"]),
        "opened": str(one.opened),
        "closed": str(one.closed),
        "percent": share(one.closed_percent),
        "mean": lasting(one.mean),
        "median": lasting(one.median),
        "p95": lasting(one.p95),
    }


def lasting(hours: float | None) -> str:
    """Write hours in the unit that fits them: seconds, minutes, hours, days."""
    if hours is None:
        return "—"
    n, word = fitting(hours)
    return f"{n} {UNITS[word]}"


def in_hours(hours: float | None) -> str:
    """Write hours for a spreadsheet, which counts with them: seconds are not lost."""
    return "" if hours is None else f"{hours:.4f}"


def share(n: float | None) -> str:
    """Write a percentage."""
    return "—" if n is None else TEXTS["percent"].format(n=n)


def _why(asked: Asked, found: Reasons, words: Mapping[str, str]) -> Markup:
    ways = tabs(
        [(word, url(PATH, **(asked.query | {"by": by})), None, by == asked.by) for by, word in DIMENSIONS.items()],
        TEXTS["by"],
    )
    if not found.total:
        return section(TEXTS["why"], ways, empty(TEXTS["none"], TEXTS["none_next"]), id="reasons")
    drawn = charts.lines([(words.get(one, one), n, "") for one, n in found.by_reason.items()], TEXTS["chart"])
    return section(
        TEXTS["why"], ways, drawn, _table(asked, found, words), tag("p", TEXTS["many"], class_="faint below"),
        id="reasons",
    )  # fmt: skip


def _table(asked: Asked, found: Reasons, words: Mapping[str, str]) -> Markup:
    """Count each reason by each value; every figure leads to its cases."""
    shown = list(found.by_reason)[:MOST_COLUMNS]
    rest = len(found.by_reason) > MOST_COLUMNS
    heads = {"value": DIMENSIONS[asked.by], "total": TEXTS["total"], "share": TEXTS["share"]}
    heads |= {reason: words.get(reason, reason) for reason in shown}
    heads |= {"others": TEXTS["others"]} if rest else {}
    rows = [_row(asked, found, value, shown) for value in found.counts]
    return cards(heads, rows, numbers=set(heads) - {"value"})


def _row(asked: Asked, found: Reasons, value: str, shown: Iterable[str]) -> dict[str, Child]:
    counts = found.counts[value]
    total = sum(counts.values())
    days = {name: asked.query[name] for name in ("from", "to")}
    to = {"by": asked.by, "value": value, **days}
    cells: dict[str, Child] = {
        "value": link(url("/cases", **to), named(asked.by, value), class_="wrap"),
        "total": tag("strong", str(total)),
        "share": share(100 * total / found.total),
        "others": str(sum(n for reason, n in counts.items() if reason not in set(shown))),
    }
    for reason in shown:
        n = counts.get(reason, 0)
        percent = f"{100 * n / total:.0f}%"
        cells[reason] = link(url("/cases", **to, reason=reason), f"{n} · {percent}") if n else ""
    return cells


def named(dimension: str, value: str) -> str:
    """Name a value of a dimension."""
    return (
        CARRIERS.get(value, value_words(dimension, value)) if dimension == "courier" else value_words(dimension, value)
    )


def _in_hours(heads: Mapping[str, str]) -> list[str]:
    return [TEXTS["in_hours"].format(word=word) if name in TIMES else word for name, word in heads.items()]


async def _csv(reads: CaseReports, period: Period, words: Mapping[str, str]) -> bytes:
    """Write all figures as a spreadsheet reads them (UTF-8 with BOM): cycle times, then reasons by every dimension."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    cycle = await reads.cycle(period)
    writer.writerow(_in_hours(CYCLE_HEADS))
    for one in [cycle.all, *cycle.kinds]:
        cells = list(_kind(one).values())[: -len(TIMES)]
        writer.writerow((*cells, *map(in_hours, (one.mean, one.median, one.p95))))
    writer.writerow([])
    writer.writerow(_in_hours(STEP_HEADS))
    for step in cycle.steps:
        times = map(in_hours, (step.mean, step.median, step.p95))
        writer.writerow((STATES.get(step.step, (step.step,))[0], step.n, *times))
    writer.writerow([])
    writer.writerow((TEXTS["by"], "", TEXTS["why"], TEXTS["total"], TEXTS["share"]))
    for by, dimension in DIMENSIONS.items():
        found = await reads.reasons(by, period)
        for value, counts in found.counts.items():
            for reason, n in counts.items():
                row = (dimension, named(by, value), words.get(reason, reason), n, share(100 * n / found.total))
                writer.writerow(row)
    return text.getvalue().encode("utf-8-sig")
