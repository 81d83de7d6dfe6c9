"""What is wrong with a settings document, in words, each beside its cell (CFG-1)."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from clients.console.setting_form import key_name, name_of, present
from clients.console.setting_shapes import MISSING, Keyed, Kind, Leaf, Path, Record, Shape, Table, fits
from clients.console.setting_words import JOIN, ROW, UNNAMED, label
from store.settings_faults import Fault, faults

READ_AS = {
    Kind.WHOLE: "要填整数",
    Kind.NUMBER: "要填数字",
    Kind.SPAN: "要写时长和单位，例如 30 分钟、2 小时、1.5 天",
    Kind.MONEY: "要填金额，最多两位小数，例如 12.50",
    Kind.FLAG: "请选择是或否",
}
WORDS = {
    "missing": "必填",
    "extra_forbidden": "没有这个设置项，请删去",
    "greater_than_equal": "不能小于 {ge}",
    "greater_than": "要大于 {gt}",
    "less_than_equal": "不能大于 {le}",
    "less_than": "要小于 {lt}",
    "multiple_of": "要是 {multiple_of} 的倍数",
    "string_too_short": "至少 {min_length} 个字",
    "string_too_long": "最多 {max_length} 个字",
    "too_short": "至少要有 {min_length} 项",
    "too_long": "最多 {max_length} 项",
    "string_pattern_mismatch": "格式不对（要符合 {pattern}）",
    "literal_error": "只能是 {expected}",
    "enum": "只能是 {expected}",
    "int_parsing": "要填整数",
    "int_type": "要填整数",
    "int_from_float": "要填整数",
    "float_parsing": "要填数字",
    "float_type": "要填数字",
    "finite_number": "要填普通的数字",
    "bool_parsing": "请选择是或否",
    "bool_type": "请选择是或否",
    "string_type": "要填文字",
    "list_type": "要是一个列表",
    "tuple_type": "要是一个列表",
    "dict_type": "要是一组名称和值",
    "model_type": "要是一组设置项",
    "none_required": "要留空",
}
SENTENCES = {
    "may_ship and partial are about paid orders": "“可以发货”“部分发货”只对已付款有意义：其他状态请选“是”“否”",
}
REQUIRED = "必填"
NO_KEY = "请填写名称"


@dataclass(frozen=True, slots=True)
class Told:
    """One fault: the entry that it stands beside, where that is in words, and what is wrong."""

    name: str
    place: str
    words: str


def faults_of(kind: str, shape: Record, body: dict[str, Any]) -> list[Told]:
    """Check a draft: first what could not be read, then what its schema says of the rest."""
    found: dict[str, Told] = {}
    for path, words, key in _unread(shape, body, ()):
        name = key_name(path) if key else name_of(path)
        found[name] = Told(name, place_of(shape, body, path), words)
    for fault in faults(kind, body):
        path, key = _path(shape, body, fault)
        name = key_name(path) if key else name_of(path)
        found.setdefault(name, Told(name, place_of(shape, body, path), _words(fault)))
    return list(found.values())


def _unread(shape: Shape, value: Any, at: Path) -> Iterator[tuple[Path, str, bool]]:
    """Find what stayed words because it could not be read, and rows without a key."""
    if value is MISSING or not fits(shape, value):
        return
    if isinstance(shape, Leaf):
        if words := _unread_leaf(shape, value):
            yield at, words, False
        return
    if isinstance(shape, Keyed):
        yield from (((*at, place), NO_KEY, True) for place, key in enumerate(value) if not key)
    for step, inner, one in _parts(shape, value):
        yield from _unread(inner, one, (*at, step))


def _unread_leaf(leaf: Leaf, value: Any) -> str:
    if leaf.kind is Kind.MANY and leaf.item and any(isinstance(one, str) for one in value):
        return READ_AS.get(leaf.item.kind, "")
    if isinstance(value, str) and leaf.kind in READ_AS:
        return READ_AS[leaf.kind] if value else REQUIRED
    return ""


def _parts(shape: Shape, value: Any) -> Iterator[tuple[int | str, Shape, Any]]:
    match shape:
        case Record():
            yield from ((one.name, one.shape, present(one, value)) for one in shape.fields)
        case Table():
            yield from ((place, shape.row, one) for place, one in enumerate(value))
        case Keyed():
            yield from ((place, shape.value, one) for place, one in enumerate(value.values()))


def _path(shape: Shape, value: Any, fault: Fault) -> tuple[Path, bool]:
    """Follow the validator's path as far as the form goes; say whether it is about a key."""
    path: list[int | str] = []
    for step in fault.place:
        if step == "[key]" and path:
            return tuple(path), True
        match shape, step:
            case Record(), str() if any(one.name == step for one in shape.fields):
                field = next(one for one in shape.fields if one.name == step)
                shape, value = field.shape, value.get(step, MISSING) if isinstance(value, dict) else MISSING
                path.append(step)
            case Table(), int() if isinstance(value, list) and step < len(value):
                shape, value = shape.row, value[step]
                path.append(step)
            case Keyed(), str() if isinstance(value, dict) and step in value:
                path.append(list(value).index(step))
                shape, value = shape.value, value[step]
            case _:
                break
    return tuple(path), False


def place_of(shape: Shape, value: Any, path: Path) -> str:
    """Say where a place is: names of fields, numbers of rows, keys."""
    words = []
    for step in path:
        match shape, step:
            case Record(), str():
                field = next(one for one in shape.fields if one.name == step)
                shape, value = field.shape, value.get(step) if isinstance(value, dict) else None
                words.append(label(step))
            case Table(), int():
                shape, value = shape.row, value[step] if isinstance(value, list) else None
                words.append(ROW.format(n=step + 1))
            case Keyed(), int():
                key = list(value)[step] if isinstance(value, dict) else ""
                shape, value = shape.value, value[key] if isinstance(value, dict) else None
                words.append(key or UNNAMED)
    return JOIN.join(words)


def _words(fault: Fault) -> str:
    if fault.kind == "extra_forbidden":
        return f"{fault.place[-1]}：{WORDS[fault.kind]}"
    if fault.kind in WORDS:
        return WORDS[fault.kind].format(**fault.limits)
    plain = fault.words.removeprefix("Value error, ")
    return next((words for begins, words in SENTENCES.items() if plain.startswith(begins)), plain)
