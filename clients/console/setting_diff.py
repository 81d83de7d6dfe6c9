"""How two versions of a settings document differ, place by place in words (CFG-1). Rows that moved are one line."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from clients.console.setting_form import present
from clients.console.setting_shapes import MISSING, Keyed, Kind, Leaf, Record, Shape, Table, fits
from clients.console.setting_words import JOIN, NOTHING, ROW, UNNAMED, label, told_value

RAW = Leaf(Kind.RAW)
MOVED = "移到第 {n} 行"
MOST = 300


@dataclass(frozen=True, slots=True)
class Changed:
    """One difference: where, what it said and what it says."""

    place: str
    before: str
    after: str


def compare(shape: Shape, before: Any, after: Any) -> list[Changed]:
    """List what differs, in the order of the form; MOST at most."""
    found = []
    for one in _differ(shape, before, after, ()):
        found.append(one)
        if len(found) == MOST:
            break
    return found


def _differ(shape: Shape, before: Any, after: Any, at: tuple[str, ...]) -> Iterator[Changed]:
    if _key(before) == _key(after):
        return
    known = before is not MISSING and after is not MISSING and before is not None and after is not None
    if isinstance(shape, Leaf) or not known or not (fits(shape, before) and fits(shape, after)):
        yield Changed(JOIN.join(at), told_value(shape, before), told_value(shape, after))
        return
    match shape:
        case Record(pair=True):
            yield Changed(JOIN.join(at), told_value(shape, before), told_value(shape, after))
        case Record():
            for one in shape.fields:
                yield from _differ(one.shape, present(one, before), present(one, after), (*at, label(one.name)))
            for name in sorted({*before, *after} - {one.name for one in shape.fields}):
                yield from _differ(RAW, before.get(name, MISSING), after.get(name, MISSING), (*at, name))
        case Keyed():
            for key in [*before, *(key for key in after if key not in before)]:
                yield from _differ(
                    shape.value, before.get(key, MISSING), after.get(key, MISSING), (*at, key or UNNAMED)
                )
        case Table():
            yield from _rows(shape.row, before, after, at)


def _rows(row: Record, before: list[Any], after: list[Any], at: tuple[str, ...]) -> Iterator[Changed]:
    """Match equal rows first; of the rest, what is equal elsewhere has moved and what stands opposite has changed."""
    old, new = [_key(one) for one in before], [_key(one) for one in after]
    gone: list[int] = []
    come: list[int] = []
    pairs: list[tuple[int, int]] = []
    for what, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if what == "equal":
            continue
        shared = min(b - a, d - c)
        pairs += [(a + n, c + n) for n in range(shared)]
        gone += range(a + shared, b)
        come += range(c + shared, d)
    moved = _moved(old, new, (gone, come, pairs))
    for was, became in sorted(moved.items()):
        yield Changed(JOIN.join((*at, ROW.format(n=was + 1))), told_value(row, before[was]), MOVED.format(n=became + 1))
    for was, became in pairs:
        if was in moved or became in moved.values():
            gone += [] if was in moved else [was]
            come += [] if became in moved.values() else [became]
            continue
        yield from _differ(row, before[was], after[became], (*at, ROW.format(n=became + 1)))
    for was in sorted(set(gone) - set(moved)):
        yield Changed(JOIN.join((*at, ROW.format(n=was + 1))), told_value(row, before[was]), NOTHING)
    for became in sorted(set(come) - set(moved.values())):
        yield Changed(JOIN.join((*at, ROW.format(n=became + 1))), NOTHING, told_value(row, after[became]))


def _moved(old: list[str], new: list[str], loose: tuple[list[int], list[int], list[tuple[int, int]]]) -> dict[int, int]:
    gone, come, pairs = loose
    free = [*come, *(after for _, after in pairs)]
    moved = {}
    for was in sorted([*gone, *(before for before, _ in pairs)]):
        became = next((one for one in free if new[one] == old[was]), None)
        if became is not None:
            free.remove(became)
            moved[was] = became
    return moved


def _key(value: Any) -> str:
    return "" if value is MISSING else json.dumps(value, sort_keys=True, ensure_ascii=False)
