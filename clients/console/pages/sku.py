"""/stock/{sku}: why a number is what it is, where the units lie, who holds them; and setting what is on hand."""

from urllib.parse import quote

from markupsafe import Markup
from starlette.requests import Request

from clients.console.frame import Desk, Frame, framed, page_at
from clients.console.html import badge, body, countdown, empty, link, moment, order_url, section, table, tag
from clients.console.words import HOLDS
from domain.errors import BadInput
from domain.permissions import Action
from store import audit
from store.reads.stock import SkuPage, StockReads
from store.replay import By
from store.stock_on_hand import Shelf, set_on_hand

TEXTS = {
    "stock": "库存",
    "missing": "没有这个 SKU：{sku}",
    "missing_next": "请核对编码，或回到库存列表查找。",
    "sum": "可售 {atp} = 在库 {on_hand} − 预占 {reserved} − 已分配 {allocated}",
    "places": "在哪里",
    "holders": "谁占用着",
    "no_holders": "没有订单占用。",
    "movements": "在库变动（新的在前）",
    "no_movements": "还没有变动。",
    "set": "设置在库数",
    "set_why": "填仓库里实际有的件数，包括已承诺给订单的。",
    "warehouse": "仓库",
    "count": "件数",
    "save": "保存",
    "bad_count": "件数要填 0 到 10000000 的整数",
    "done": "{warehouse} 的 {sku} 现在有 {count} 件（{by:+d}）。卡住的订单请到订单页点“重试”。",
    "stuck": "因缺货卡住的订单",
    "shipped": "发货",
    "overshipped": "多发",
    "set_reason": "盘点设置",
}
REASONS = {"shipped": TEXTS["shipped"], "overshipped": TEXTS["overshipped"], "set": TEXTS["set_reason"]}
MOST = 10_000_000


def sku_url(sku: str) -> str:
    """Name the page of a SKU."""
    return f"/stock/{quote(sku, safe='')}"


def register(desk: Desk) -> None:
    """Register the page."""

    @page_at("/stock/{sku:path}")
    async def one(request: Request, sku: str) -> None:
        await _draw(desk, request, sku)


async def _draw(desk: Desk, request: Request, sku: str) -> None:
    frame, reads = framed(desk, request, sku, "/stock"), StockReads(desk.database)

    async def read() -> Markup:
        page = await reads.explain(sku)
        if page is None:
            content = empty(TEXTS["missing"].format(sku=sku), TEXTS["missing_next"])
            return body(content)
        return body(_head(page))

    async def rest() -> Markup:
        page = await reads.explain(sku)
        return tag("div", _rest(page), class_="below") if page else Markup()

    async def form() -> Markup:
        page = await reads.explain(sku)
        return _form(frame, page) if page else Markup()

    async def save(given: dict[str, str], by: By) -> str:
        return await _save(desk, sku, given, by)

    frame.on("set", Action.SET_STOCK, save)
    await frame.show(read)
    if frame.may(Action.SET_STOCK):
        await frame.show(form, seconds=0)
    await frame.show(rest)


async def _save(desk: Desk, sku: str, given: dict[str, str], by: By) -> str:
    words, warehouse = given.get("count", ""), given.get("warehouse", "")
    if not words.isascii() or not words.isdigit() or int(words) > MOST:
        raise BadInput(TEXTS["bad_count"])
    async with desk.database.transaction() as tx:
        change = await set_on_hand(tx, Shelf(warehouse, sku), int(words), by.now)
        detail = {"warehouse": warehouse, "count": int(words), "by": change}
        await audit.write(tx, "stock.set", sku, by.now, actor=by.actor, **detail)
    return TEXTS["done"].format(warehouse=warehouse, sku=sku, count=int(words), by=change)


def _head(page: SkuPage) -> list[Markup]:
    sku = page.sku
    total = TEXTS["sum"].format(atp=sku.atp, on_hand=sku.on_hand, reserved=sku.reserved, allocated=sku.allocated)
    head = tag("p", total, class_="big num", id="sum")
    return [
        tag("h1", link("/stock", TEXTS["stock"]), " / ", tag("span", sku.sku, class_="num wrap")),
        tag("section", head, tag("p", sku.title, class_="wrap"), class_=f"card first {'bad' if sku.atp <= 0 else ''}"),
    ]


def _rest(page: SkuPage) -> list[Markup]:
    places = [
        tag(
            "tr",
            tag("td", f"{one.name}（{one.warehouse}）"),
            *(_number(n) for n in (one.on_hand, one.allocated, one.free)),
        )
        for one in page.warehouses
    ]
    return [
        section(TEXTS["places"], table(["仓库", "在库", "已分配", "空闲"], places, numbers=(1, 2, 3))),
        tag("div", _holders(page), _movements(page), class_="two"),
    ]


def _holders(page: SkuPage) -> Markup:
    if not page.holders:
        return section(TEXTS["holders"], empty(TEXTS["no_holders"]))
    rows = [
        tag(
            "tr",
            tag("td", link(order_url(one.order_key), one.order_key.split(":", 2)[-1], class_="open num")),
            _number(one.quantity),
            tag("td", HOLDS.get(one.kind, one.kind), f" · {one.warehouse}" if one.warehouse else ""),
            tag("td", countdown(one.expires_at) if one.expires_at else moment(one.created_at)),
        )
        for one in page.holders
    ]
    return section(TEXTS["holders"], table(["订单", "件数", "方式", "到期 / 从"], rows, numbers=(1,)))


def _movements(page: SkuPage) -> Markup:
    if not page.movements:
        return section(TEXTS["movements"], empty(TEXTS["no_movements"]))
    rows = [
        tag(
            "tr",
            tag("td", moment(one.at)),
            tag("td", REASONS.get(one.reason, one.reason)),
            tag("td", f"{one.quantity:+d}", class_="right"),
            tag("td", one.warehouse),
        )
        for one in page.movements
    ]
    return section(TEXTS["movements"], table(["时间", "原因", "件数", "仓库"], rows, numbers=(2,)))


def _form(frame: Frame, page: SkuPage) -> Markup:
    places = [
        tag("option", f"{one.name}（{one.warehouse}，现 {one.on_hand}）", value=one.warehouse)
        for one in page.warehouses
    ]
    fields = [
        tag("label", tag("span", TEXTS["warehouse"]), tag("select", places, name="warehouse", id="set-warehouse")),
        tag(
            "label",
            tag("span", TEXTS["count"]),
            tag("input", name="count", type="number", min=0, max=MOST, required=True, id="set-count"),
        ),
        tag("button", TEXTS["save"], class_="primary", id="set-save"),
        tag("span", TEXTS["set_why"], class_="faint"),
    ]
    form = tag("form", fields, data_act="set", class_="filters")
    return tag("div", section(TEXTS["set"], form), class_="below")


def _number(n: int) -> Markup:
    return tag("td", badge(str(n), "bad") if n < 0 else str(n), class_="right")
