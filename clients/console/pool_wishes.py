"""What people ask of a channel pool in the console's forms: read into a change, and said back in a sentence."""

import re
from collections.abc import Callable
from typing import Any

from clients.console.stock_frame import shop_name
from domain.errors import BadInput
from domain.pool_changes import Join, Leave, Lock, PoolChange, Release, ReleaseAll, Share, Transfer
from domain.stock_state import ShopKey

TEXTS = {
    "bad_kind": "请选择要做什么",
    "no_lines": "请每行填写一个 SKU 和件数，例如：TEE 20",
    "bad_line": "看不懂这一行：{line}。请填写 SKU 和件数，例如：TEE 20",
    "twice": "{sku} 写了两次，请合并成一行",
    "no_skus": "请填写 SKU，每行一个",
    "bad_percent": "展示比例要填 0 到 100 的整数，留空表示不限",
    "no_to": "请选择调拨给哪个渠道池",
    "no_shop": "请选择店铺",
    "lock": "从公共库存锁定给 {pool}：{units}",
    "release": "从 {pool} 释放回公共库存：{units}",
    "release_all": "释放 {pool} 的全部锁定",
    "transfer": "从 {pool} 调拨给 {to}：{units}",
    "share": "{pool} 的店铺展示 {skus} 公共库存的 {percent}%",
    "share_whole": "{pool} 的店铺展示 {skus} 的全部公共库存",
    "join": "{shops} 加入 {pool}",
    "leave": "{shops} 退出 {pool}",
    "unit": "{sku} {n} 件",
    "more": "等 {n} 个 SKU",
}
MOST_SAID = 5
LINE = re.compile(r"(.*?)[\s=＝,，]+(\d{1,8})")

Given = dict[str, str]


def wish(pool: str, given: Given) -> PoolChange:
    """Read a form about a pool; BadInput says what to fill in."""
    read = _READ.get(given.get("kind", ""))
    if read is None:
        raise BadInput(TEXTS["bad_kind"])
    return read(pool, given)


def sentence(change: PoolChange) -> str:
    """Say a change as people do."""
    return _SAY[type(change)](change)


def units(words: str) -> dict[str, int]:
    """Read lines of SKU and units; a comma, a blank or = stands between."""
    found: dict[str, int] = {}
    for line in filter(None, (one.strip() for one in words.splitlines())):
        seen = LINE.fullmatch(line)
        if seen is None:
            raise BadInput(TEXTS["bad_line"].format(line=line[:60]))
        sku, n = seen.groups()
        if sku in found:
            raise BadInput(TEXTS["twice"].format(sku=sku))
        found[sku] = int(n)
    if not found:
        raise BadInput(TEXTS["no_lines"])
    return found


def _share(pool: str, given: Given) -> Share:
    skus = tuple(dict.fromkeys(given.get("lines", "").split()))
    if not skus:
        raise BadInput(TEXTS["no_skus"])
    return Share(pool, skus, _percent(given.get("percent", "").strip()))


def _percent(words: str) -> int | None:
    if not words:
        return None
    if not (words.isascii() and words.isdigit() and int(words) <= 100):
        raise BadInput(TEXTS["bad_percent"])
    return int(words)


def _transfer(pool: str, given: Given) -> Transfer:
    to = given.get("to", "")
    if not to:
        raise BadInput(TEXTS["no_to"])
    return Transfer(pool, to, units(given.get("lines", "")))


def _shop(given: Given) -> ShopKey:
    channel, _, shop = given.get("shop", "").partition("/")
    if not channel:
        raise BadInput(TEXTS["no_shop"])
    return channel, "" if shop == "*" else shop


_READ: dict[str, Callable[[str, Given], PoolChange]] = {
    "lock": lambda pool, given: Lock(pool, units(given.get("lines", ""))),
    "release": lambda pool, given: Release(pool, units(given.get("lines", ""))),
    "release_all": lambda pool, _: ReleaseAll(pool),
    "transfer": _transfer,
    "share": _share,
    "join": lambda pool, given: Join(pool, (_shop(given),)),
    "leave": lambda pool, given: Leave(pool, (_shop(given),)),
}


def _listed(words: list[str]) -> str:
    more = TEXTS["more"].format(n=len(words)) if len(words) > MOST_SAID else ""
    return "、".join(words[:MOST_SAID]) + more


def _units_said(name: str) -> Callable[[Any], str]:
    def say(change: Any) -> str:
        moved = _listed([TEXTS["unit"].format(sku=sku, n=n) for sku, n in change.units.items()])
        return TEXTS[name].format(pool=change.pool, to=getattr(change, "to", ""), units=moved)

    return say


def _shops_said(name: str) -> Callable[[Any], str]:
    return lambda change: TEXTS[name].format(
        pool=change.pool, shops=_listed([shop_name(*shop) for shop in change.shops])
    )


def _share_said(change: Share) -> str:
    name = "share_whole" if change.percent is None else "share"
    return TEXTS[name].format(pool=change.pool, skus=_listed(list(change.skus)), percent=change.percent)


_SAY: dict[type[Any], Callable[[Any], str]] = {
    Lock: _units_said("lock"),
    Release: _units_said("release"),
    ReleaseAll: lambda change: TEXTS["release_all"].format(pool=change.pool),
    Transfer: _units_said("transfer"),
    Share: _share_said,
    Join: _shops_said("join"),
    Leave: _shops_said("leave"),
}
