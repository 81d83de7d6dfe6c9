"""/ledger/{sku}: every change of a SKU with its reason, page by page; and its numbers at a past moment (INV-3)."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from markupsafe import Markup
from starlette.requests import Request

from clients.console.frame import Desk, Frame, framed, page_at
from clients.console.html import Child, body, empty, failure, link, section, table, tag
from clients.console.ledger_lines import ledger
from clients.console.lists import pager, place_of, zone_of
from clients.console.stock_frame import ledger_url, number, sku_url
from clients.console.stock_nav import sections
from clients.console.stock_sentences import total
from clients.console.stock_words import REASONS
from domain.stock import Counters
from store.reads.stock_ledger import LedgerLine, LineFilter, Numbers, StockLedgerReads, Then

TEXTS = {
    "stock": "库存",
    "title": "流水",
    "reason": "原因",
    "any": "全部原因",
    "filter": "筛选",
    "then": "过去某一刻的数",
    "at": "时间（您的时区）",
    "show": "查看",
    "clear": "清除",
    "bad_moment": "看不懂这个时间，请重新选择。",
    "future": "这个时间还没有到，请选过去的时间。",
    "missing": "没有这个 SKU：{sku}",
    "missing_next": "请核对编码，或回到库存列表查找。",
    "none": "没有这样的流水。",
    "was": "{at} 时：{total}",
    "place": "仓库 / 渠道池",
}


def register(desk: Desk) -> None:
    """Register the page."""

    @page_at("/ledger/{sku:path}")
    async def one(request: Request, sku: str) -> None:
        await _draw(desk, request, sku)


async def _draw(desk: Desk, request: Request, sku: str) -> None:
    frame, reads, zone = framed(desk, request, sku, "/stock"), StockLedgerReads(desk.database), zone_of(request)
    words, reason = request.query_params.get("then", ""), request.query_params.get("reason", "")
    query = {name: value for name, value in (("then", words), ("reason", reason)) if value}

    async def read() -> Markup:
        if await reads.at(sku, desk.clock()) is None:
            return body(sections(frame, "/stock"), empty(TEXTS["missing"].format(sku=sku), TEXTS["missing_next"]))
        page = await reads.lines(sku, LineFilter(reason), place_of(request))
        content = [
            *_head(frame, sku),
            section(TEXTS["then"], _form(sku, words, reason), await _then(reads, sku, words, (desk.clock(), zone))),
            section(TEXTS["title"], _reasons(sku, words, reason), _lines(page.rows)),
            pager(page, ledger_url(sku), query),
        ]
        return body(content)

    await frame.show(read)


def _head(frame: Frame, sku: str) -> list[Child]:
    name = link(sku_url(sku), sku, class_="num wrap")
    return [sections(frame, "/stock"), tag("h1", link("/stock", TEXTS["stock"]), " / ", name, " / ", TEXTS["title"])]


def past(words: str, now: datetime, zone: ZoneInfo) -> datetime | str:
    """Read a moment of the viewer's zone; give the name of what is wrong with it."""
    try:
        at = datetime.fromisoformat(words)
    except ValueError:
        return "bad_moment"
    try:
        at = (at if at.tzinfo else at.replace(tzinfo=zone)).astimezone(UTC)
    except OverflowError:
        return "bad_moment"
    return "future" if at > now else at


async def _then(reads: StockLedgerReads, sku: str, words: str, viewer: tuple[datetime, ZoneInfo]) -> Markup | None:
    if not words:
        return None
    at = past(words, *viewer)
    if isinstance(at, str):
        return failure(TEXTS[at])
    then = await reads.at(sku, at)
    return None if then is None else _numbers(then, at.astimezone(viewer[1]))


def _numbers(then: Then, at: datetime) -> Markup:
    one = then.total
    counters = Counters(one.on_hand, one.reserved, one.allocated, one.pooled)
    words = TEXTS["was"].format(at=f"{at:%Y-%m-%d %H:%M}", total=total(counters))
    rows = [_place(each) for each in (*then.warehouses, *then.pools) if _any(each)]
    heads = [TEXTS["place"], "在库", "已分配", "锁定", "残次", "待检"]
    return tag(
        "div",
        tag("p", tag("strong", words), class_="num", id="then"),
        table(heads, rows, numbers=range(1, 6)) if rows else None,
    )


def _any(one: Numbers) -> bool:
    return any((one.on_hand, one.allocated, one.pooled, one.defective, one.quarantine))


def _place(one: Numbers) -> Markup:
    counts = (one.on_hand, one.allocated, one.pooled, one.defective, one.quarantine)
    return tag("tr", tag("td", one.place), [number(n) for n in counts])


def _form(sku: str, words: str, reason: str) -> Markup:
    entry = tag("input", name="then", type="datetime-local", value=words[:16], id="then-at", required=True)
    kept = tag("input", type="hidden", name="reason", value=reason) if reason else None
    clear = link(ledger_url(sku), TEXTS["clear"], class_="button") if words else None
    field = tag("label", tag("span", TEXTS["at"]), entry)
    button = tag("button", TEXTS["show"], id="then-show")
    return tag("form", field, kept, button, clear, class_="filters", action=ledger_url(sku))


def _reasons(sku: str, words: str, reason: str) -> Markup:
    options = [tag("option", TEXTS["any"], value="")]
    options += [tag("option", word, value=name, selected=name == reason) for name, word in REASONS.items()]
    kept = tag("input", type="hidden", name="then", value=words) if words else None
    field = tag("label", tag("span", TEXTS["reason"]), tag("select", options, name="reason", id="reason"))
    return tag("form", field, kept, tag("button", TEXTS["filter"]), class_="filters", action=ledger_url(sku))


def _lines(rows: list[LedgerLine]) -> Markup:
    return ledger(rows) if rows else empty(TEXTS["none"])
