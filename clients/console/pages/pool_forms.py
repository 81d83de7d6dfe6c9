"""The forms of a pool's page: moving units, the share that its shops show, and which shops sell from it."""

from collections.abc import Iterable, Sequence

from markupsafe import Markup

from clients.console.html import Child, section, tag
from clients.console.stock_frame import shop_name
from domain.stock_state import ShopKey
from store.reads.pools import PoolRow

TEXTS = {
    "units": "调整件数",
    "what": "做什么",
    "lines": "SKU 和件数，每行一个",
    "lines_example": "TEE 20",
    "to": "调拨给",
    "no_other": "没有别的渠道池",
    "share": "展示比例",
    "skus": "SKU，每行一个",
    "skus_example": "TEE",
    "percent": "展示公共库存的 %（留空 = 不限）",
    "shops": "店铺",
    "shop": "店铺",
    "preview": "预览",
}
UNITS = {
    "lock": "锁定（从公共库存）",
    "release": "释放（回公共库存）",
    "transfer": "调拨（给别的渠道池）",
    "release_all": "释放全部",
}
SHOPS = {"join": "加入这个渠道池", "leave": "退出这个渠道池"}


def forms(pool: PoolRow, others: Sequence[PoolRow], connected: Sequence[ShopKey]) -> Markup:
    """Draw the forms; each leads to a preview, none changes anything."""
    found = [_units(others), _share(), _shops(pool, connected)]
    return tag("div", found, class_="grid")


def _units(others: Sequence[PoolRow]) -> Markup:
    pools = [(one.code, one.title or one.code) for one in others] or [("", TEXTS["no_other"])]
    example = TEXTS["lines_example"]
    fields = [
        _field("what", tag("select", _options(UNITS.items()), name="kind", id="kind-units")),
        _field("lines", tag("textarea", "", name="lines", id="lines-units", placeholder=example, maxlength=2000)),
        _field("to", tag("select", _options(pools), name="to", id="to")),
    ]
    return _form("units", fields)


def _share() -> Markup:
    fields = [
        tag("input", type="hidden", name="kind", value="share"),
        _field(
            "skus",
            tag("textarea", "", name="lines", id="lines-share", placeholder=TEXTS["skus_example"], maxlength=2000),
        ),
        _field("percent", tag("input", name="percent", id="percent", type="number", min=0, max=100)),
    ]
    return _form("share", fields)


def _shops(pool: PoolRow, connected: Sequence[ShopKey]) -> Markup:
    keys = [*connected, *((channel, "*") for channel in dict.fromkeys(channel for channel, _ in connected))]
    members = [tuple(one.split("/", 1)) for one in pool.shops]
    keys += [(channel, shop) for channel, shop in members if (channel, shop) not in keys]
    shops = [("/".join(key), shop_name(*key)) for key in keys]
    fields = [
        _field("what", tag("select", _options(SHOPS.items()), name="kind", id="kind-shops")),
        _field("shop", tag("select", _options(shops), name="shop", id="shop")),
    ]
    return _form("shops", fields)


def _field(name: str, entry: Markup) -> Markup:
    return tag("label", tag("span", TEXTS[name]), entry)


def _options(items: Iterable[tuple[str, str]]) -> list[Markup]:
    return [tag("option", words, value=value) for value, words in items]


def _form(name: str, fields: Sequence[Child]) -> Markup:
    button = tag("button", TEXTS["preview"], class_="primary", id=f"preview-{name}")
    return section(TEXTS[name], tag("form", fields, button, data_act="preview", class_="stacked"))
