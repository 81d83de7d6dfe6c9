"""/stock: every SKU with what may still be promised; each leads to why."""

from markupsafe import Markup
from starlette.requests import Request

from clients.console.frame import Desk, framed, page_at
from clients.console.html import badge, body, empty, link, moment, tag
from clients.console.lists import pager, place_of
from clients.console.pages.sku import sku_url
from clients.console.stock_nav import sections
from store.reads.stock import SkuRow, StockReads

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
    "atp": "可售",
    "updated": "最近变动",
    "none": "没有以此开头的 SKU。",
    "empty": "还没有库存。",
    "empty_next": "仓库或管理员可以在 SKU 页面设置，也可以用 oms stock set。",
    "explain": "可售 = 在库 − 预占 − 已分配",
    "sold_out": "无货",
}
NUMBERS = ("on_hand", "reserved", "allocated", "atp")


def register(desk: Desk) -> None:
    """Register the page."""

    @page_at("/stock")
    async def stock(request: Request) -> None:
        frame, reads = framed(desk, request, TEXTS["title"], "/stock"), StockReads(desk.database)
        begin = request.query_params.get("q", "").strip()

        async def read() -> Markup:
            page = await reads.board(begin, place_of(request))
            nothing = empty(TEXTS["none"]) if begin else empty(TEXTS["empty"], TEXTS["empty_next"])
            content = [
                sections(frame, "/stock"),
                tag("h1", TEXTS["title"]),
                _filter(begin),
                _table(page.rows) if page.rows else nothing,
                pager(page, "/stock", {"q": begin} if begin else {}),
            ]
            return body(content)

        await frame.show(read)


def _filter(begin: str) -> Markup:
    entry = tag("input", name="q", value=begin, id="stock-search", maxlength=100, type="search")
    clear = link("/stock", TEXTS["clear"], class_="button") if begin else None
    field = tag("label", tag("span", TEXTS["begin"]), entry)
    note = tag("span", TEXTS["explain"], class_="faint")
    return tag("form", field, tag("button", TEXTS["filter"]), clear, note, class_="filters", action="/stock")


def _table(rows: list[SkuRow]) -> Markup:
    names = ("sku", "goods", *NUMBERS, "updated")
    heads = [tag("th", TEXTS[name], scope="col", class_="right" if name in NUMBERS else None) for name in names]
    body = tag("tbody", [_row(row) for row in rows])
    return tag("div", tag("table", tag("thead", tag("tr", heads)), body, class_="cards"), class_="scroll")


def _row(row: SkuRow) -> Markup:
    cells = {
        "sku": link(sku_url(row.sku), row.sku, class_="open num", data_key=row.sku),
        "goods": tag("span", row.title, class_="cut", title=row.title),
        **{name: tag("span", str(getattr(row, name))) for name in NUMBERS},
        "updated": moment(row.updated_at),
    }
    if row.atp <= 0:
        cells["atp"] = tag("span", badge(TEXTS["sold_out"], "bad"), " ", str(row.atp))
    return tag(
        "tr",
        [
            tag("td", content, data_label=TEXTS[name], class_="right" if name in NUMBERS else None)
            for name, content in cells.items()
        ],
    )
