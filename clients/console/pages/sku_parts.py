"""The parts of a SKU's page: shops, what they were told, warehouses, pools, holders, the line. Values in, HTML out."""

from collections.abc import Sequence

from markupsafe import Markup

from clients.console.html import Child, badge, countdown, empty, link, moment, order_url, section, table, tag
from clients.console.ledger_lines import ledger
from clients.console.stock_frame import cards, ledger_url, number, pool_url, shop_name, sku_url
from clients.console.stock_sentences import bundle_sentence, sentence, term, term_names
from clients.console.stock_words import PUSH_STATES
from clients.console.words import HOLDS, said
from store.reads.stock import Holder
from store.reads.stock_explained import ExplainedSku, PlaceStock, PoolPart, ShopNumber
from store.reads.stock_ledger import LedgerLine
from store.reads.stock_push import ListingStock
from store.reads.waiting import InLine

TEXTS = {
    "shops": "各店铺现在可售",
    "no_shops": "还没有连接销售店铺。",
    "terms": "逐项列出（按公式的顺序）",
    "core": "安全库存只对非核心渠道生效。",
    "told": "各店铺最近被告知的数",
    "no_listings": "没有登记在售商品，所以没有店铺被告知。",
    "no_listings_next": "用 oms listing add 登记。",
    "wanted": "应显示 {n}",
    "unsure": "可能已收到新的数",
    "off": "已停止推送",
    "places": "在哪里",
    "no_places": "没有仓库有过这个 SKU。",
    "pools": "渠道池",
    "no_pools": "没有渠道池锁定它，也没有限制展示比例。",
    "share": "公共库存展示 {n}%",
    "holders": "谁占用着",
    "no_holders": "没有订单占用。",
    "waiting": "排队等货的订单",
    "no_waiting": "没有订单在等它。",
    "woken": "已通知重新分配",
    "lacks": "有货，但没有一个仓库齐全",
    "parts": "组件",
    "history": "最近的流水",
    "no_history": "还没有变动。",
    "all_history": "全部流水，和过去某一刻的数",
}


def shops(one: ExplainedSku) -> Markup:
    """Show what each shop may sell, why in a sentence, and all terms of the formula behind it."""
    if not one.shops:
        return section(TEXTS["shops"], empty(TEXTS["no_shops"]), id="shops")
    heads = {"shop": "店铺", "units": "可售", "because": "为什么", "pool": "渠道池"}
    shown = cards(heads, [_shop(one, seen) for seen in one.shops], right=("units",))
    terms = _terms(one.shops) if one.counters else None
    return section(TEXTS["shops"], shown, terms, id="shops")


def _shop(one: ExplainedSku, seen: ShopNumber) -> dict[str, Child]:
    who = shop_name(seen.channel, seen.shop)
    if one.counters is None or seen.exposure is None:
        why = bundle_sentence(one.parts, who, seen.quantity)
    else:
        why = sentence(one.counters, seen.exposure, who)
    return {
        "shop": tag("span", who, class_="nowrap"),
        "units": tag("strong", str(seen.quantity), class_=None if seen.quantity else "none"),
        "because": tag("span", why, class_="num"),
        "pool": link(pool_url(seen.pool), seen.pool) if seen.pool else tag("span", "—", class_="faint"),
    }


def _terms(shown: Sequence[ShopNumber]) -> Markup:
    names = ["店铺", *term_names()]
    rows = [
        tag(
            "tr",
            tag("td", shop_name(seen.channel, seen.shop), class_="nowrap"),
            [tag("td", term(one), class_="right") for one in seen.terms],
        )
        for seen in shown
    ]
    numbers = range(1, len(names))
    return tag("details", tag("summary", TEXTS["terms"]), table(names, rows, numbers=numbers), class_="below")


def told(listings: Sequence[ListingStock]) -> Markup:
    """Show what each shop was last told of each listing and when, and in its words why it took it not."""
    if not listings:
        return section(TEXTS["told"], empty(TEXTS["no_listings"], TEXTS["no_listings_next"]), id="told")
    heads = {"shop": "店铺", "item": "渠道商品", "units": "已告知", "at": "时间", "state": "状态"}
    return section(TEXTS["told"], cards(heads, [_listing(one) for one in listings], right=("units",)), id="told")


def _listing(one: ListingStock) -> dict[str, Child]:
    words, tone = PUSH_STATES.get(one.state, (one.state, "calm")) if one.active else (TEXTS["off"], "calm")
    item = " / ".join(filter(None, (one.item_id, one.variant_id)))
    wanted = tag("span", TEXTS["wanted"].format(n=one.wanted_quantity), "，", moment(one.wanted_at))
    doubts = [tag("div", doubt, class_="faint wrap") for doubt in _doubts(one)]
    return {
        "shop": tag("span", shop_name(one.channel, one.shop), class_="nowrap"),
        "item": tag("span", item, class_="num cut", title=one.title or item),
        "units": "—" if one.pushed_quantity is None else str(one.pushed_quantity),
        "at": moment(one.pushed_at),
        "state": tag("div", badge(words, tone), " ", wanted if one.state == "waiting" else None, doubts),
    }


def _doubts(one: ListingStock) -> list[str]:
    return [*([TEXTS["unsure"]] if one.unsure else []), *([said(one.error)] if one.error else [])]


def places(one: ExplainedSku) -> Markup:
    """Show what lies where, by grade."""
    if not one.places:
        return section(TEXTS["places"], empty(TEXTS["no_places"]), id="places")
    heads = ["仓库", "良品", "已分配", "空闲", "残次", "待检", "在途"]
    return section(
        TEXTS["places"], table(heads, [_place(seen) for seen in one.places], numbers=range(1, 7)), id="places"
    )


def _place(one: PlaceStock) -> Markup:
    name = tag("td", f"{one.name or one.warehouse}", title=one.warehouse)
    counts = (one.good, one.allocated, one.good - one.allocated, one.defective, one.quarantine, one.in_transit)
    return tag("tr", name, [number(n) for n in counts])


def pools(one: ExplainedSku) -> Markup:
    """Show what channel pools have of it."""
    if not one.pools:
        return section(TEXTS["pools"], empty(TEXTS["no_pools"]), id="pools")
    rows = [_pool(part) for part in one.pools]
    return section(TEXTS["pools"], table(["渠道池", "锁定未售", "展示比例"], rows, numbers=(1, 2)), id="pools")


def _pool(part: PoolPart) -> Markup:
    share = "—" if part.share_percent is None else f"{part.share_percent}%"
    name = link(pool_url(part.code), part.title or part.code, title=part.code)
    return tag("tr", tag("td", name), number(part.locked), tag("td", share, class_="right"))


def components(one: ExplainedSku) -> Markup:
    """Show what a bundle is made of."""
    rows = [tag("tr", tag("td", link(sku_url(sku), sku, class_="num")), number(n)) for sku, n in one.parts.items()]
    return section(TEXTS["parts"], table(["SKU", "每套件数"], rows, numbers=(1,)), id="parts")


def holders(found: Sequence[Holder]) -> Markup:
    """Show which orders hold units, the oldest first."""
    if not found:
        return section(TEXTS["holders"], empty(TEXTS["no_holders"]), id="holders")
    rows = [
        tag(
            "tr",
            tag("td", order_link(one.order_key)),
            number(one.quantity),
            tag("td", HOLDS.get(one.kind, one.kind), f" · {one.warehouse}" if one.warehouse else ""),
            tag("td", countdown(one.expires_at) if one.expires_at else moment(one.created_at)),
        )
        for one in found
    ]
    return section(TEXTS["holders"], table(["订单", "件数", "方式", "到期 / 从"], rows, numbers=(1,)), id="holders")


def waiting(line: Sequence[InLine]) -> Markup:
    """Show who stands in line, in the order in which they are served."""
    if not line:
        return section(TEXTS["waiting"], empty(TEXTS["no_waiting"]), id="waiting")
    rows = [
        tag(
            "tr",
            tag("td", order_link(one.order_key)),
            number(one.quantity) if one.quantity else tag("td", TEXTS["lacks"]),
            tag("td", moment(one.paid_at)),
            tag("td", TEXTS["woken"] if one.woken_at else ""),
        )
        for one in line
    ]
    return section(TEXTS["waiting"], table(["订单", "要几件", "付款", ""], rows, numbers=(1,)), id="waiting")


def history(sku: str, lines: Sequence[LedgerLine]) -> Markup:
    """Show the newest changes, and lead to all of them and to a past moment."""
    if not lines:
        return section(TEXTS["history"], empty(TEXTS["no_history"]), id="history")
    more = tag("p", link(ledger_url(sku), TEXTS["all_history"]), class_="below")
    return section(TEXTS["history"], ledger(lines), more, id="history")


def order_link(key: str) -> Markup:
    """Link to an order by its number."""
    return link(order_url(key), key.split(":", 2)[-1], class_="open num", title=key)
