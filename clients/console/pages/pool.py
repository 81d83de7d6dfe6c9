"""/pools/{code}: what a pool has, and its editor: a change is previewed for every channel before it is made (INV-1)."""

from dataclasses import dataclass
from secrets import token_hex

from markupsafe import Markup
from starlette.requests import Request

from clients.console.frame import Desk, Frame, framed, not_allowed, page_at, told
from clients.console.html import Child, body, empty, failure, link, section, table, tag
from clients.console.pages.pool_forms import forms
from clients.console.pool_wishes import sentence, wish
from clients.console.stock_frame import Ask, ask, cards, dialog_id, number, reason_of, shop_name, sku_url
from clients.console.stock_nav import sections
from domain.by import By as Person
from domain.errors import BadInput
from domain.permissions import Action
from domain.pool_changes import Difference, PoolChange
from store import pool_changes
from store.reads.pools import PoolReads, PoolRow, PoolSku
from store.reads.stock_push import StockPushReads
from store.replay import By

TEXTS = {
    "pools": "渠道池",
    "missing": "没有渠道池 {code}。",
    "missing_next": "请核对编码，或回到渠道池列表。",
    "no_shops": "还没有店铺加入",
    "locked": "锁定未售 {n} 件，{skus} 个 SKU",
    "sells": "卖给：{shops}",
    "stock": "锁定的库存和展示比例",
    "no_stock": "这个渠道池没有锁定库存，也没有限制展示比例。",
    "preview": "预览",
    "no_preview": "填好上面任何一个表单，按“预览”：先看每个店铺的可售数怎么变，再决定。",
    "same": "没有店铺的可售数会变。",
    "changed": "{shops} 个店铺的 {n} 个数会变：",
    "more": "还有 {n} 行没有列出",
    "whole": "全部",
    "shop": "店铺",
    "sku": "SKU",
    "before": "现在",
    "after": "之后",
    "by": "变化",
    "previewed": "预览好了，还没有改动。",
    "make": "生效",
    "drop": "放弃",
    "dropped": "已放弃，没有改动。",
    "make_title": "让改动生效？",
    "old_form": "预览已经变了，请再看一遍预览。",
    "made": "已生效：{what}。各店铺几秒内收到新的数。",
}
MOST_ROWS = 200
MOST_SHOWN = 200


@dataclass
class Draft:
    """A change that was previewed and not made yet; its nonce makes two presses one wish."""

    change: PoolChange | None = None
    nonce: str = ""

    def put(self, change: PoolChange | None) -> None:
        """Begin anew."""
        self.change, self.nonce = change, token_hex(8)


def register(desk: Desk) -> None:
    """Register the page."""

    @page_at("/pools/{code}")
    async def pool(request: Request, code: str) -> None:
        await _draw(desk, request, code)


async def _draw(desk: Desk, request: Request, code: str) -> None:
    frame, reads, draft = framed(desk, request, code, "/stock"), PoolReads(desk.database), Draft()
    editor = Editor(frame, code, draft)

    async def read() -> Markup:
        try:
            row, _ = await reads.one(code, 1)
        except BadInput:
            return body(sections(frame, "/pools"), empty(TEXTS["missing"].format(code=code), TEXTS["missing_next"]))
        return body(_head(frame, row))

    async def entries() -> Markup:
        rows = {row.code: row for row in await reads.rows()}
        if code not in rows:
            return Markup()
        if not frame.may(Action.CHANGE_POOLS):
            return tag("div", tag("p", not_allowed(Action.CHANGE_POOLS), class_="faint"), class_="below")
        others = [row for row in rows.values() if row.code != code]
        connected = [(one.channel, one.shop) for one in await StockPushReads(desk.database).shops()]
        return tag("div", forms(rows[code], others, connected), class_="below")

    async def stock() -> Markup:
        try:
            _, rows = await reads.one(code, MOST_ROWS)
        except BadInput:
            return Markup()
        return tag("div", _stock(rows), class_="below")

    await frame.show(read)
    await frame.show(entries, seconds=0)
    if frame.may(Action.CHANGE_POOLS):
        await frame.show(editor.preview)
        await frame.show(editor.dialog, seconds=0)
    await frame.show(stock)


@dataclass(frozen=True, slots=True)
class Editor:
    """Previews and makes changes of the pool of one open page."""

    frame: Frame
    code: str
    draft: Draft

    def __post_init__(self) -> None:
        for name, handler in (("preview", self._try), ("make", self._make), ("drop", self._drop)):
            self.frame.on(name, Action.CHANGE_POOLS, handler)

    async def preview(self) -> Markup:
        """Show what shops would be shown if the change were made now, over and over."""
        if self.draft.change is None:
            return tag("div", section(TEXTS["preview"], empty(TEXTS["no_preview"]), id="preview"), class_="below")
        what = tag("p", tag("strong", sentence(self.draft.change)), class_="wrap num")
        try:
            async with self.frame.desk.database.transaction() as tx:
                found = await pool_changes.preview(tx, self.draft.change)
        except BadInput as error:
            shown = [what, failure(told(error)), tag("div", _drop_button(), class_="row")]
        else:
            shown = [what, *_differences(found), tag("div", _make_button(), _drop_button(), class_="row below")]
        return tag("div", section(TEXTS["preview"], shown, id="preview"), class_="below")

    async def dialog(self) -> Markup:
        """Draw the form that asks for the reason."""
        if self.draft.change is None:
            return Markup()
        asked = Ask("make", TEXTS["make_title"], sentence(self.draft.change), TEXTS["make"])
        return ask(asked, nonce=self.draft.nonce)

    async def _try(self, given: dict[str, str], _: By) -> str:
        change = wish(self.code, given)
        async with self.frame.desk.database.transaction() as tx:
            await pool_changes.preview(tx, change)
        self.draft.put(change)
        return TEXTS["previewed"]

    async def _make(self, given: dict[str, str], by: By) -> str:
        change = self.draft.change
        if change is None or given.get("nonce") != self.draft.nonce:
            raise BadInput(TEXTS["old_form"])
        who = Person(by.actor, reason_of(given), self.draft.nonce)
        async with self.frame.desk.database.transaction() as tx:
            await pool_changes.make(tx, change, who, by.now)
        self.draft.put(None)
        return TEXTS["made"].format(what=sentence(change))

    async def _drop(self, _: dict[str, str], __: By) -> str:
        self.draft.put(None)
        return TEXTS["dropped"]


def _make_button() -> Markup:
    return tag("button", TEXTS["make"], class_="primary", data_dialog=dialog_id("make"), id="act-make")


def _drop_button() -> Markup:
    return tag("button", TEXTS["drop"], data_act="drop", id="act-drop")


def _differences(found: list[Difference]) -> list[Markup]:
    if not found:
        return [tag("p", TEXTS["same"])]
    shops = len({(one.channel, one.shop) for one in found})
    heads = [TEXTS[name] for name in ("shop", "sku", "before", "after", "by")]
    shown = [tag("p", TEXTS["changed"].format(shops=shops, n=len(found)))]
    shown.append(table(heads, [_difference(one) for one in found[:MOST_SHOWN]], numbers=(2, 3, 4)))
    if len(found) > MOST_SHOWN:
        shown.append(tag("p", TEXTS["more"].format(n=len(found) - MOST_SHOWN), class_="faint"))
    return shown


def _difference(one: Difference) -> Markup:
    by = one.after - one.before
    return tag(
        "tr",
        tag("td", shop_name(one.channel, one.shop), class_="nowrap"),
        tag("td", link(sku_url(one.sku), one.sku, class_="num")),
        number(one.before),
        tag("td", tag("strong", str(one.after), class_=None if one.after else "none"), class_="right"),
        tag("td", f"{by:+d}".replace("-", "−"), class_="right"),
    )


def _head(frame: Frame, row: PoolRow) -> list[Markup]:
    shops = "、".join(shop_name(*one.split("/", 1)) for one in row.shops) or TEXTS["no_shops"]
    return [
        sections(frame, "/pools"),
        tag("h1", link("/pools", TEXTS["pools"]), " / ", tag("span", row.code, class_="num wrap")),
        tag(
            "section",
            tag("p", TEXTS["locked"].format(n=row.locked, skus=row.skus), class_="big num", id="locked"),
            tag("p", row.title, class_="wrap") if row.title else None,
            tag("p", TEXTS["sells"].format(shops=shops), class_="wrap"),
            class_="card first",
        ),
    ]


def _stock(rows: list[PoolSku]) -> Markup:
    if not rows:
        return section(TEXTS["stock"], empty(TEXTS["no_stock"]))
    heads = {"sku": "SKU", "goods": "品名", "locked": "锁定未售", "share": "展示公共库存", "common": "公共可售"}
    shown = cards(heads, [_sku(one) for one in rows], right=("locked", "share", "common"))
    return section(TEXTS["stock"], shown)


def _sku(one: PoolSku) -> dict[str, Child]:
    return {
        "sku": link(sku_url(one.sku), one.sku, class_="num"),
        "goods": tag("span", one.title, class_="cut", title=one.title),
        "locked": str(one.locked),
        "share": TEXTS["whole"] if one.share_percent is None else f"{one.share_percent}%",
        "common": str(one.common),
    }
