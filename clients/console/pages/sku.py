"""/stock/{sku}: why each number is what it is, what shops were told, who holds and who waits; stopping its sale."""

from dataclasses import dataclass

from markupsafe import Markup
from starlette.requests import Request

from clients.console.frame import Desk, Frame, framed, page_at
from clients.console.html import Child, badge, body, empty, link, moment, section, tag, url
from clients.console.pages import sku_parts as parts
from clients.console.sale_acts import SaleActs
from clients.console.stock_nav import sections
from clients.console.stock_sentences import total
from clients.console.stock_words import BREAKERS, CAUSES
from clients.console.words import ACTORS, said
from domain.errors import BadInput
from domain.permissions import Action
from store import audit
from store.reads.breakers import BreakerReads, Stop
from store.reads.stock import SkuPage, StockReads
from store.reads.stock_explained import ExplainedSku, StockExplained
from store.reads.stock_ledger import StockLedgerReads
from store.reads.stock_push import ListingStock, StockPushReads
from store.reads.waiting import InLine, WaitingReads
from store.replay import By
from store.stock_on_hand import Shelf, set_on_hand

TEXTS = {
    "stock": "库存",
    "missing": "没有这个 SKU：{sku}",
    "missing_next": "请核对编码，或回到库存列表查找。",
    "bundle": "组合商品",
    "bundle_why": "没有自己的库存，由组件的库存算出；停售请到组件的页面。",
    "stopped_since": "，自 ",
    "stopped_by": "（{cause}，{who}）：{why}",
    "no_reason": "没有写原因",
    "waiting": "{n} 张已付款订单在排队。",
    "event": "锁不到库存的订单和当时的库存",
    "lowered": "待发货过多，直播渠道少展示，自 ",
    "set": "设置在库数",
    "set_why": "填仓库里实际有的件数，包括已承诺给订单的。",
    "warehouse": "仓库",
    "count": "件数",
    "save": "保存",
    "bad_count": "件数要填 0 到 10000000 的整数",
    "done": "{warehouse} 的 {sku} 现在有 {count} 件（{by:+d}）。排队等货的订单会自动分配。",
}
MOST = 10_000_000
NEWEST = 15


@dataclass(frozen=True, slots=True)
class Seen:
    """Everything that the page shows, as it was read."""

    explained: ExplainedSku
    page: SkuPage | None
    listings: list[ListingStock]
    stop: Stop | None
    line: list[InLine]


def register(desk: Desk) -> None:
    """Register the page."""

    @page_at("/stock/{sku:path}")
    async def one(request: Request, sku: str) -> None:
        await _draw(desk, request, sku)


async def _draw(desk: Desk, request: Request, sku: str) -> None:
    frame = framed(desk, request, sku, "/stock")
    acts = SaleActs(frame, sku)

    async def read() -> Markup:
        seen = await _look(desk, sku)
        if seen is None:
            return body(sections(frame, "/stock"), empty(TEXTS["missing"].format(sku=sku), TEXTS["missing_next"]))
        return body(_head(frame, seen, acts), _middle(seen))

    async def forms() -> Markup:
        page = await StockReads(desk.database).explain(sku)
        if page is None:
            return Markup()
        form = _form(page) if frame.may(Action.SET_STOCK) else None
        return acts.dialogs() + (form or Markup())

    async def rest() -> Markup:
        page = await StockLedgerReads(desk.database).lines(sku, rows=NEWEST)
        return tag("div", parts.history(sku, page.rows), class_="below") if page.rows else Markup()

    async def save(given: dict[str, str], by: By) -> str:
        return await _save(desk, sku, given, by)

    frame.on("set", Action.SET_STOCK, save)
    await frame.show(read)
    await frame.show(forms, seconds=0)
    await frame.show(rest)


async def _look(desk: Desk, sku: str) -> Seen | None:
    database = desk.database
    explained = await StockExplained(database).explain(sku)
    if explained is None:
        return None
    return Seen(
        explained,
        await StockReads(database).explain(sku),
        await StockPushReads(database).of_sku(sku),
        await BreakerReads(database).under_way(sku),
        await WaitingReads(database).line(sku),
    )


async def _save(desk: Desk, sku: str, given: dict[str, str], by: By) -> str:
    words, warehouse = given.get("count", ""), given.get("warehouse", "")
    if not words.isascii() or not words.isdigit() or int(words) > MOST:
        raise BadInput(TEXTS["bad_count"])
    async with desk.database.transaction() as tx:
        change = await set_on_hand(tx, Shelf(warehouse, sku), int(words), by.now)
        detail = {"warehouse": warehouse, "count": int(words), "by": change}
        await audit.write(tx, "stock.set", sku, by.now, actor=by.actor, **detail)
    return TEXTS["done"].format(warehouse=warehouse, sku=sku, count=int(words), by=change)


def _head(frame: Frame, seen: Seen, acts: SaleActs) -> list[Child]:
    one, counters = seen.explained, seen.explained.counters
    gone = counters is not None and counters.atp <= 0
    tone = "bad" if gone or (seen.stop and not seen.stop.trial_left) else "warn" if seen.stop else ""
    return [
        sections(frame, "/stock"),
        tag("h1", link("/stock", TEXTS["stock"]), " / ", tag("span", one.sku, class_="num wrap")),
        tag(
            "section",
            tag("p", total(counters) if counters else TEXTS["bundle"], class_="big num", id="sum"),
            tag("p", one.title, class_="wrap") if one.title else None,
            _sale(seen.stop) if seen.stop else None,
            _lowered(one),
            acts.buttons(seen.stop) if counters else tag("p", TEXTS["bundle_why"], class_="faint"),
            class_=f"card first {tone}",
        ),
    ]


def _sale(stop: Stop) -> Markup:
    words, tone = BREAKERS[stop.breaker.value]
    who = ACTORS.get(stop.opened_by, stop.opened_by)
    why = TEXTS["stopped_by"].format(
        cause=CAUSES[stop.cause], who=who, why=said(stop.reason) if stop.reason else TEXTS["no_reason"]
    )
    return tag(
        "p",
        badge(words, tone),
        TEXTS["stopped_since"],
        moment(stop.opened_at),
        tag("span", why, class_="wrap"),
        "。",
        TEXTS["waiting"].format(n=stop.waiting) if stop.waiting else None,
        " ",
        link(url(f"/breakers/{stop.id}"), TEXTS["event"]),
        id="sale",
    )


def _lowered(one: ExplainedSku) -> Markup | None:
    if one.lowered_since is None:
        return None
    return tag("p", badge(TEXTS["lowered"], "warn"), " ", moment(one.lowered_since))


def _middle(seen: Seen) -> list[Child]:
    one = seen.explained
    found = [parts.shops(one), parts.told(seen.listings)]
    if one.counters is None:
        return [*found, parts.components(one)]
    holders = seen.page.holders if seen.page else []
    left, right = [parts.places(one), parts.holders(holders)], [parts.pools(one), parts.waiting(seen.line)]
    return [*found, tag("div", tag("div", left), tag("div", right), class_="two")]


def _form(page: SkuPage) -> Markup:
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
