"""/pools: the channel pools, who sells from each, and what it has locked (INV-1)."""

from markupsafe import Markup
from nicegui import ui
from starlette.requests import Request

from clients.console.frame import Desk, framed, not_allowed, page_at
from clients.console.html import body, empty, link, tag
from clients.console.stock_frame import Ask, ask, dialog_id, number, pool_url, reason_of, shop_name
from clients.console.stock_nav import sections
from domain.by import By as Person
from domain.permissions import Action
from domain.pool_changes import Create
from store import pool_changes
from store.reads.pools import PoolReads, PoolRow
from store.replay import By

TEXTS = {
    "title": "渠道池",
    "explain": "渠道池锁定的件数只卖给它的店铺，货还在原来的仓库里。",
    "name": "渠道池",
    "shops": "店铺",
    "skus": "锁定的 SKU",
    "locked": "锁定未售",
    "no_shops": "还没有店铺",
    "empty": "还没有渠道池。",
    "empty_next": "所有店铺都从公共库存销售。大促前可以建一个，给直播间锁定库存。",
    "new": "新建渠道池",
    "new_title": "新建渠道池",
    "new_why": "先建一个空的，再加入店铺、锁定库存。",
    "code": "编码（字母、数字、- 和 _）",
    "called": "名称",
    "made": "已新建渠道池 {code}。",
}


def register(desk: Desk) -> None:
    """Register the page."""

    @page_at("/pools")
    async def pools(request: Request) -> None:
        await _draw(desk, request)


async def _draw(desk: Desk, request: Request) -> None:
    frame, reads = framed(desk, request, TEXTS["title"], "/stock"), PoolReads(desk.database)

    async def read() -> Markup:
        rows = await reads.rows()
        allowed = frame.may(Action.CHANGE_POOLS)
        new = tag("button", TEXTS["new"], data_dialog=dialog_id("new"), id="act-new", disabled=not allowed)
        why = None if allowed else tag("small", not_allowed(Action.CHANGE_POOLS), class_="faint")
        content = [
            sections(frame, "/pools"),
            tag("h1", TEXTS["title"]),
            tag("p", new, why, tag("span", TEXTS["explain"], class_="faint"), class_="row"),
            _table(rows) if rows else empty(TEXTS["empty"], TEXTS["empty_next"]),
        ]
        return body(content)

    async def dialogs() -> Markup:
        fields = [
            tag("label", tag("span", TEXTS["code"]), tag("input", name="code", maxlength=32, required=True)),
            tag("label", tag("span", TEXTS["called"]), tag("input", name="title", maxlength=100)),
        ]
        return ask(Ask("new", TEXTS["new_title"], TEXTS["new_why"], TEXTS["new"], fields))

    async def new(given: dict[str, str], by: By) -> str:
        code, title = given.get("code", "").strip(), given.get("title", "").strip()[:100]
        async with desk.database.transaction() as tx:
            await pool_changes.make(tx, Create(code, title), Person(by.actor, reason_of(given)), by.now)
        ui.navigate.to(pool_url(code))
        return TEXTS["made"].format(code=code)

    frame.on("new", Action.CHANGE_POOLS, new)
    await frame.show(read)
    await frame.show(dialogs, seconds=0)


def _table(rows: list[PoolRow]) -> Markup:
    names = ("name", "shops", "skus", "locked")
    right = ("skus", "locked")
    heads = [tag("th", TEXTS[name], scope="col", class_="right" if name in right else None) for name in names]
    body = tag("tbody", [_row(row) for row in rows])
    return tag("div", tag("table", tag("thead", tag("tr", heads)), body, class_="cards"), class_="scroll")


def _row(row: PoolRow) -> Markup:
    shops = "、".join(shop_name(*one.split("/", 1)) for one in row.shops)
    name = link(pool_url(row.code), row.title or row.code, class_="open", data_key=row.code)
    code = tag("div", row.code, class_="faint num") if row.title else None
    return tag(
        "tr",
        tag("td", tag("div", name, code, class_="wrap"), data_label=TEXTS["name"]),
        tag("td", shops or tag("span", TEXTS["no_shops"], class_="faint"), data_label=TEXTS["shops"]),
        number(row.skus, data_label=TEXTS["skus"]),
        number(row.locked, data_label=TEXTS["locked"]),
    )
