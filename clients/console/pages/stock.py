"""/stock: every SKU with what may still be promised, and what is stopped; each number leads to why."""

from markupsafe import Markup
from starlette.requests import Request

from clients.console.frame import Desk, framed, page_at
from clients.console.html import Child, badge, body, empty, link, moment, tag, url
from clients.console.lists import pager, place_of, tabs
from clients.console.stock_frame import sku_url
from clients.console.stock_nav import sections
from clients.console.stock_words import BREAKERS
from domain.breaker import Breaker, state
from store.reads.pages import Count
from store.reads.stock import ONLY, SkuRow, StockReads

TEXTS = {
    "title": "库存",
    "begin": "SKU 或品名开头",
    "filter": "查找",
    "clear": "清除",
    "sku": "SKU",
    "goods": "品名",
    "on_hand": "在库",
    "reserved": "预占",
    "allocated": "已分配",
    "pooled": "渠道池",
    "atp": "可售",
    "sale": "销售",
    "updated": "最近变动",
    "none": "没有这样的 SKU。",
    "none_next": "换一个开头，或清除筛选。",
    "empty": "还没有库存。",
    "empty_next": "仓库或管理员可以在 SKU 页面设置，也可以用 oms stock set。",
    "explain": "可售 = 在库 − 已分配 − 预占；渠道池是其中锁给某些店铺的。点数字看由来。",
    "sold_out": "无货",
    "trial": "试销，剩 {n}",
    "only": "筛选",
    "all": "全部",
    "only_stopped": "停售或试销",
    "only_sold_out": "无货",
    "only_low": "快卖完",
    "nothing_stopped": "没有停售的商品。",
    "nothing_sold_out": "没有无货的商品。",
    "nothing_low": "没有快卖完的商品。",
}
EXPLAINED = {"on_hand": "places", "allocated": "holders", "reserved": "holders", "pooled": "pools", "atp": "shops"}
"""Where on the page of a SKU each of its numbers is explained."""


def register(desk: Desk) -> None:
    """Register the page."""

    @page_at("/stock")
    async def stock(request: Request) -> None:
        frame, reads = framed(desk, request, TEXTS["title"], "/stock"), StockReads(desk.database)
        begin, only = request.query_params.get("q", "").strip(), request.query_params.get("only", "")
        only = only if only in ONLY else ""
        query = {name: value for name, value in (("q", begin), ("only", only)) if value}

        async def read() -> Markup:
            page = await reads.board(begin, place_of(request), only=only)
            content = [
                sections(frame, "/stock"),
                tag("h1", TEXTS["title"]),
                _narrow(await reads.counts(), begin, only),
                _filter(begin, only),
                _table(page.rows) if page.rows else _nothing(begin, only),
                pager(page, "/stock", query),
            ]
            return body(content)

        await frame.show(read)


def _nothing(begin: str, only: str) -> Markup:
    if only and not begin:
        return empty(TEXTS[f"nothing_{only}"])
    return empty(TEXTS["none"], TEXTS["none_next"]) if begin else empty(TEXTS["empty"], TEXTS["empty_next"])


def _narrow(counts: dict[str, Count], begin: str, only: str) -> Markup:
    items: list[tuple[str, str, object, bool]] = [(TEXTS["all"], url("/stock", q=begin), None, not only)]
    for name, count in counts.items():
        items.append((TEXTS[f"only_{name}"], url("/stock", q=begin, only=name), count, only == name))
    return tabs(items, TEXTS["only"])


def _filter(begin: str, only: str) -> Markup:
    entry = tag("input", name="q", value=begin, id="stock-search", maxlength=100, type="search")
    kept = tag("input", type="hidden", name="only", value=only) if only else None
    clear = link("/stock", TEXTS["clear"], class_="button") if begin or only else None
    field = tag("label", tag("span", TEXTS["begin"]), entry)
    note = tag("span", TEXTS["explain"], class_="faint")
    return tag("form", field, kept, tag("button", TEXTS["filter"]), clear, note, class_="filters", action="/stock")


def _table(rows: list[SkuRow]) -> Markup:
    names = ("sku", "goods", *EXPLAINED, "sale", "updated")
    heads = [tag("th", TEXTS[name], scope="col", class_="right" if name in EXPLAINED else None) for name in names]
    body = tag("tbody", [_row(row) for row in rows])
    return tag("div", tag("table", tag("thead", tag("tr", heads)), body, class_="cards numbers"), class_="scroll")


def _row(row: SkuRow) -> Markup:
    cells: dict[str, Child] = {
        "sku": link(sku_url(row.sku), row.sku, class_="open num cut", data_key=row.sku, title=row.sku),
        "goods": tag("span", row.title, class_="cut", title=row.title),
        **{name: _number(row, name) for name in EXPLAINED},
        "sale": sale_badge(row),
        "updated": moment(row.updated_at),
    }
    return tag(
        "tr",
        [
            tag("td", content, data_label=TEXTS[name], class_="right" if name in EXPLAINED else name)
            for name, content in cells.items()
        ],
    )


def _number(row: SkuRow, name: str) -> Markup:
    n = int(getattr(row, name))
    return link(sku_url(row.sku, EXPLAINED[name]), str(n), class_="quiet" if n else "quiet faint")


def sale_badge(row: SkuRow) -> Markup | None:
    """Show loudly that a SKU is stopped, on trial or gone; nothing where all is well."""
    breaker = state(row.trial_left)
    words, tone = BREAKERS[breaker.value]
    if breaker is Breaker.HALF_OPEN:
        return badge(TEXTS["trial"].format(n=row.trial_left), tone)
    if breaker is Breaker.OPEN:
        return badge(words, tone)
    return badge(TEXTS["sold_out"], "bad", "0") if row.atp <= 0 else None
