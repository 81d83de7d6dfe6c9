"""How a value of a settings document is written, and read back (CFG-1). What cannot be read stays as it was typed."""

import json
import re
import unicodedata
from decimal import Decimal
from typing import Any

from clients.console.setting_shapes import MISSING, Kind, Leaf

SPANS: tuple[tuple[str, int], ...] = (("天", 86400), ("小时", 3600), ("分钟", 60), ("秒", 1))
_SECONDS = {
    "天": 86400, "日": 86400, "d": 86400, "小时": 3600, "时": 3600, "h": 3600, "分钟": 60, "分": 60, "min": 60, "m": 60,
    "秒钟": 1, "秒": 1, "s": 1,
}  # fmt: skip
_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*(" + "|".join(sorted(_SECONDS, key=len, reverse=True)) + r")\s*", re.I)
_WHOLE = re.compile(r"-?[0-9]{1,18}")
_NUMBER = re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,18})?")
_MONEY = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,2})?")
FLAGS = {"true": True, "false": False}


def shown(leaf: Leaf, value: Any) -> str:
    """Write a value as it stands in its entry."""
    if value is MISSING or value is None:
        return ""
    if leaf.kind in {Kind.MANY, Kind.PICKS} and isinstance(value, list):
        return "\n".join(shown(leaf.item or Leaf(Kind.TEXT), one) for one in value)
    if leaf.kind is Kind.RAW or isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False, indent=2)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return value
    if leaf.kind is Kind.SPAN:
        return span(value)
    if leaf.kind is Kind.MONEY and isinstance(value, int):
        return f"{'-' if value < 0 else ''}{abs(value) // 100}.{abs(value) % 100:02}"
    return repr(value)


def span(seconds: float) -> str:
    """Write a duration in the largest unit that fits."""
    for word, size in SPANS:
        if seconds >= size and seconds % size == 0:
            return f"{int(seconds // size)} {word}"
    return f"{_plain(Decimal(repr(seconds)))} 秒"


def read(leaf: Leaf, typed: str, was: Any) -> Any:
    """Read what was typed; what stands unchanged keeps its very value, what cannot be read stays as words."""
    typed = typed.replace("\r\n", "\n")
    if typed == shown(leaf, was):
        return was
    if not typed.strip() and leaf.optional:
        return None
    match leaf.kind:
        case Kind.MANY:
            lines = [one.strip() for one in typed.split("\n") if one.strip()]
            return [_one(leaf.item or Leaf(Kind.TEXT), one) for one in lines]
        case Kind.RAW:
            try:
                return json.loads(typed)
            except ValueError:
                return typed
    return typed if leaf.kind is Kind.LONG else _one(leaf, typed.strip())


def _one(leaf: Leaf, typed: str) -> Any:
    plain = unicodedata.normalize("NFKC", typed).strip()
    match leaf.kind:
        case Kind.FLAG:
            return FLAGS.get(typed, typed)
        case Kind.WHOLE if _WHOLE.fullmatch(plain):
            return int(plain)
        case Kind.NUMBER if _NUMBER.fullmatch(plain):
            return float(plain) if "." in plain else int(plain)
        case Kind.MONEY if _MONEY.fullmatch(plain):
            return int(Decimal(plain) * 100)
        case Kind.SPAN:
            return _seconds(plain)
    return typed


def _seconds(typed: str) -> Any:
    """Read a duration such as 1 小时 30 分钟; a number without a unit is not one, and stays as typed."""
    total, at = Decimal(0), 0
    while found := _PART.match(typed, at):
        total, at = total + Decimal(found[1]) * _SECONDS[found[2].lower()], found.end()
    if not at or at != len(typed):
        return typed
    return int(total) if total == total.to_integral_value() else float(total)


def _plain(number: Decimal) -> str:
    return f"{int(number)}" if number == number.to_integral_value() else f"{number:f}"
