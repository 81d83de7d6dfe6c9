"""Why a shop may sell so many, in Chinese: the sentence and the list of domain/exposure.py. Values in, words out."""

from collections.abc import Iterator, Mapping

from clients.console.stock_words import TERMS
from domain.exposure import WHOLE, Exposure, Term, channel_atp
from domain.stock import Counters

TEXTS = {
    "total": "可售 {atp} = 在库 {on_hand} − 已分配 {allocated} − 预占 {reserved}",
    "pooled": "，其中渠道池锁定 {n}",
    "nothing": "，没有剩余",
    "of_which": "，其中 {who} 可售 {n}",
    "own": "，另有 {own} 件为它锁定，{who} 可售 {n}",
    "share": "只展示公共库存的 {n}%",
    "weight": "待发货过多，只展示 {n}%",
    "trial": "试销，最多再卖 {n} 件",
    "stopped": "已停售",
    "bundle": "一套要 {parts}：{who} 可售 {n} 套",
    "no_limit": "不限",
}
PERCENT = frozenset({"share_percent", "weight_percent"})


def total(counters: Counters) -> str:
    """Say what may still be promised of a SKU, what that is made from, and how much of it is locked for some shops."""
    words = TEXTS["total"].format(
        atp=counters.atp, on_hand=counters.on_hand, allocated=counters.allocated, reserved=counters.reserved
    )
    return words + (TEXTS["pooled"].format(n=counters.pooled) if counters.pooled else "")


def sentence(counters: Counters, seen: Exposure, who: str) -> str:
    """Say what a shop may sell and its parts as people do; parts that change nothing are left out."""
    parts, left = list(_taken(counters, seen.safety)), counters.common - seen.safety
    result = "" if len(parts) == 1 else f" = {left}" if left >= 0 else TEXTS["nothing"]
    may = channel_atp(counters, seen)
    end = TEXTS["own" if seen.own else "of_which"].format(own=seen.own, who=who, n=may)
    why = "，".join(_limits(counters, seen))
    return f"{' − '.join(parts)}{result}{end}{'：' if why else ''}{why}"


def bundle_sentence(parts: Mapping[str, int], who: str, n: int) -> str:
    """Say how many bundles a shop may sell, and what one takes."""
    taken = "、".join(f"{sku} × {units}" for sku, units in sorted(parts.items()))
    return TEXTS["bundle"].format(parts=taken, who=who, n=n)


def term(one: Term) -> str:
    """Say one number of the formula."""
    if one.units is None:
        return TEXTS["no_limit"]
    return f"{one.units}%" if one.name in PERCENT else str(abs(one.units) if one.name != "common" else one.units)


def term_names() -> list[str]:
    """Name the terms in the order of the formula."""
    return list(TERMS.values())


def _taken(counters: Counters, safety: int) -> Iterator[str]:
    yield f"在库 {counters.on_hand}"
    named = (
        ("已分配", counters.allocated),
        ("预占", counters.reserved),
        ("渠道池", counters.pooled),
        ("安全库存", safety),
    )
    for word, n in named:
        if n:
            yield f"{word} {n}"


def _limits(counters: Counters, seen: Exposure) -> Iterator[str]:
    if seen.share_percent != WHOLE:
        yield TEXTS["share"].format(n=seen.share_percent)
    if seen.weight_percent != WHOLE:
        yield TEXTS["weight"].format(n=seen.weight_percent)
    if counters.trial_left is not None:
        yield TEXTS["trial" if counters.trial_left else "stopped"].format(n=counters.trial_left)
