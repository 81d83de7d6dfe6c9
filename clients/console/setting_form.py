"""From a settings document to its form and back, and what buttons do to its rows (CFG-1). Draws nothing."""

import json
from collections.abc import Mapping
from typing import Any

from clients.console.setting_shapes import (
    MISSING,
    Field,
    Keyed,
    Kind,
    Leaf,
    Path,
    Record,
    Shape,
    Table,
    blank,
    fits,
    opened,
)
from clients.console.setting_values import read as read_leaf
from clients.console.setting_values import shown
from domain.errors import BadInput

TEXTS = {
    "twice": "“{key}”出现了两次：请改掉其中一个",
    "fill_first": "上一行的名称还空着：请先填好",
    "gone": "这一行已经变了，请再试一次",
    "no_json": "不是 JSON：第 {line} 行第 {column} 列（{words}）",
    "no_object": "JSON 的最外层要是 {{ }}",
    "json_twice": "“{name}”在同一层出现了两次：请留一个",
    "too_many": "一个表最多 {n} 行",
}
MOST_ROWS = 500
RAW = Leaf(Kind.RAW)


def name_of(path: Path) -> str:
    """Name the entry of a value."""
    return "f:" + ".".join(map(str, path))


def key_name(path: Path) -> str:
    """Name the entry of a row's key."""
    return "k:" + ".".join(map(str, path))


def read_form(shape: Shape, was: Any, given: Mapping[str, str], at: Path = ()) -> Any:
    """Put what was typed over a document; what has no entry stays. BadInput when two rows have one key."""
    if isinstance(shape, Record) and shape.pair and fits(shape, opened(shape, was)):
        return _read_pair(shape, was, given, at)
    if not fits(shape, was):
        return _read_leaf(RAW if was is not None else Leaf(Kind.RAW, optional=True), was, given, at)
    match shape:
        case Leaf():
            return _read_leaf(shape, was, given, at)
        case Record():
            return _read_record(shape, was, given, at)
        case Table():
            return [read_form(shape.row, one, given, (*at, place)) for place, one in enumerate(was)]
    found: dict[str, Any] = {}
    for place, (key, value) in enumerate(was.items()):
        typed = given.get(key_name((*at, place)), key)
        typed = key if typed == key else typed.strip()
        if typed in found:
            raise BadInput(TEXTS["twice"].format(key=typed))
        found[typed] = read_form(shape.value, value, given, (*at, place))
    return found


def _read_pair(pair: Record, was: Any, given: Mapping[str, str], at: Path) -> Any:
    """Read both entries; a pair that may be left out is, when both are empty."""
    start = opened(pair, was)
    found = _read_record(pair, start, given, at)
    if found == start:
        return was
    return None if pair.optional and not any(value not in ("", None, []) for value in found.values()) else found


def _read_record(record: Record, was: dict[str, Any], given: Mapping[str, str], at: Path) -> dict[str, Any]:
    found = dict(was)
    for one in record.fields:
        before = was.get(one.name, MISSING)
        start = present(one, was)
        value = read_form(one.shape, start, given, (*at, one.name))
        if before is MISSING and (value is MISSING or value == start):
            continue
        found[one.name] = value
    return found


def present(field: Field, was: Mapping[str, Any]) -> Any:
    """Give a field's value as it is drawn: its default, or an empty one, where the document says nothing."""
    if field.name in was:
        return was[field.name]
    if field.default is not MISSING:
        return field.default
    return MISSING if isinstance(field.shape, Leaf) else blank(field.shape)


def _read_leaf(leaf: Leaf, was: Any, given: Mapping[str, str], at: Path) -> Any:
    name = name_of(at)
    if name not in given:
        return was
    if leaf.kind is not Kind.PICKS:
        return read_leaf(leaf, given[name], was)
    old = [] if was is MISSING else was
    picked = [one for one in leaf.choices if f"{name}~{one}" in given]
    kept = [one for one in old if one in picked or one not in leaf.choices]
    found = kept + [one for one in picked if one not in kept]
    return was if found == old else found


def change(shape: Shape, body: dict[str, Any], what: str, path: Path) -> Path:
    """Do what a button says to a document, in place; give the place that is looked at afterwards."""
    above, inner = _at(shape, body, path[:-1]) if path else (body, shape)
    match what, path[-1] if path else "":
        case "add", _:
            rows, of = _at(shape, body, path)
            return (*path, _add(rows, of))
        case "delete", int(place):
            _delete(above, place)
            return path[:-1]
        case ("up" | "down") as way, int(place) if isinstance(above, list):
            to = place + (-1 if way == "up" else 1)
            if not (0 <= place < len(above) and 0 <= to < len(above)):
                return path
            above[place], above[to] = above[to], above[place]
            return (*path[:-1], to)
        case "copy", int(place) if isinstance(above, list) and place < len(above) < MOST_ROWS:
            above.insert(place + 1, json.loads(json.dumps(above[place])))
            return (*path[:-1], place + 1)
        case "set", str(name) if isinstance(above, dict) and isinstance(inner, Record):
            above[name] = _filled(next(one.shape for one in inner.fields if one.name == name))
            return path
        case "unset", str(name) if isinstance(above, dict):
            above[name] = None
            return path
    raise BadInput(TEXTS["gone"])


def _filled(shape: Shape) -> Any:
    if isinstance(shape, Record):
        return blank(Record(shape.fields))
    return [] if isinstance(shape, Table) else {}


def _add(rows: Any, of: Shape) -> int:
    if isinstance(rows, list | dict) and len(rows) >= MOST_ROWS:
        raise BadInput(TEXTS["too_many"].format(n=MOST_ROWS))
    if isinstance(of, Table) and isinstance(rows, list):
        rows.append(blank(of.row))
    elif isinstance(of, Keyed) and isinstance(rows, dict):
        if "" in rows:
            raise BadInput(TEXTS["fill_first"])
        rows[""] = blank(of.value)
    else:
        raise BadInput(TEXTS["gone"])
    return len(rows) - 1


def _delete(above: Any, place: int) -> None:
    if not isinstance(above, list | dict) or place >= len(above):
        raise BadInput(TEXTS["gone"])
    if isinstance(above, list):
        del above[place]
    else:
        del above[list(above)[place]]


def _at(shape: Shape, value: Any, path: Path) -> tuple[Any, Shape]:
    """Follow a path; a part that was not written yet comes to be."""
    for step in path:
        match shape, step:
            case Record(), str() if isinstance(value, dict):
                field = next((one for one in shape.fields if one.name == step), None)
                if field is None:
                    raise BadInput(TEXTS["gone"])
                if step not in value:
                    value[step] = json.loads(json.dumps(present(field, value)))
                shape, value = field.shape, value[step]
            case Table(), int() if isinstance(value, list) and step < len(value):
                shape, value = shape.row, value[step]
            case Keyed(), int() if isinstance(value, dict) and step < len(value):
                shape, value = shape.value, value[list(value)[step]]
            case _:
                raise BadInput(TEXTS["gone"])
    return value, shape


def pasted(words: str) -> dict[str, Any]:
    """Read a whole document from JSON; BadInput says where it is wrong."""
    try:
        body = json.loads(words, object_pairs_hook=_once)
    except json.JSONDecodeError as error:
        raise BadInput(TEXTS["no_json"].format(line=error.lineno, column=error.colno, words=error.msg)) from None
    if not isinstance(body, dict):
        raise BadInput(TEXTS["no_object"].format())
    return body


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise BadInput(TEXTS["json_twice"].format(name=name))
        found[name] = value
    return found


def entries(shape: Shape, value: Any, at: Path = ()) -> dict[str, str]:
    """Give what a browser would send of a form that nobody touched."""
    value = opened(shape, value)
    if not fits(shape, value):
        return {} if value is None else {name_of(at): shown(RAW, value)}
    found: dict[str, str] = {}
    match shape:
        case Leaf(kind=Kind.PICKS):
            picks = {f"{name_of(at)}~{one}": "1" for one in shape.choices if value is not MISSING and one in value}
            return {name_of(at): "", **picks}
        case Leaf():
            return {name_of(at): shown(shape, value)}
        case Record():
            for one in shape.fields:
                found |= entries(one.shape, present(one, value), (*at, one.name))
        case Table():
            for place, one_row in enumerate(value):
                found |= entries(shape.row, one_row, (*at, place))
        case Keyed():
            for place, (key, inner) in enumerate(value.items()):
                found |= {key_name((*at, place)): key} | entries(shape.value, inner, (*at, place))
    return found
