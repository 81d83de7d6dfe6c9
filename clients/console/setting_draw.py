"""A settings document as a form: values in tables, faults beside their cells (CFG-1). HTML only; decides nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from clients.console.html import Child, tag
from clients.console.setting_form import RAW, key_name, name_of, present
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
    blocks,
    columns,
    fits,
    flat,
    opened,
)
from clients.console.setting_values import shown
from clients.console.setting_words import YES_NO, choice, help_of, label, unit

TEXTS = {
    "what": "设置项",
    "value": "值",
    "live": "正式",
    "demo": "演示",
    "key": "名称",
    "acts": "操作",
    "add": "＋ 加一行",
    "empty": "还没有行。",
    "up": "上移",
    "down": "下移",
    "copy": "复制",
    "delete": "删除",
    "up_why": "上移（在这一行里按 Alt+↑）",
    "down_why": "下移（在这一行里按 Alt+↓）",
    "first": "已经是第一行",
    "last": "已经是最后一行",
    "set": "填写",
    "unset": "去掉",
    "not_set": "没有填写。",
    "none": "不限",
    "per_line": "每行一个",
}
SIGNS = {"up": "↑", "down": "↓", "copy": "复制", "delete": "✕"}
SHEET = "sheet"
MOST_CHARACTERS = 100_000


@dataclass(frozen=True, slots=True)
class Sheet:
    """What is drawn beside the values: faults by entry, and whether anything may be changed."""

    faults: Mapping[str, str]
    off: bool = False

    def fault(self, name: str) -> Markup | None:
        """Draw what is wrong with one entry."""
        words = self.faults.get(name)
        return tag("small", words, class_="fault", id=f"fault:{name}") if words else None

    def press(self, what: str, path: Path, words: str, **more: str | int | bool | None) -> Markup:
        """Draw a button that changes rows; it sends the whole form along, so that nothing typed is lost."""
        spot = ".".join(map(str, path))
        off = self.off or bool(more.pop("off", False))
        return tag("button", words, type="button", id=f"{what}:{spot}", data_act="row", data_what=what, data_path=spot,
                   data_form=SHEET, disabled=off, data_off=off, **more)  # fmt: skip


def draw(shape: Record, body: Mapping[str, Any], sheet: Sheet) -> list[Markup]:
    """Draw a whole document."""
    return _record(shape, body, (), sheet)


def _record(record: Record, value: Mapping[str, Any], at: Path, sheet: Sheet) -> list[Markup]:
    simple = [one for one in record.fields if flat(one.shape)]
    parts = [_values(simple, value, at, sheet)] if simple else []
    return parts + [
        _block(one, present(one, value), (*at, one.name), sheet) for one in record.fields if one not in simple
    ]


def _values(fields: list[Field], value: Mapping[str, Any], at: Path, sheet: Sheet) -> Markup:
    pairs = any(isinstance(one.shape, Record) for one in fields)
    heads = [TEXTS["what"], TEXTS["live" if pairs else "value"], *([TEXTS["demo"]] if pairs else [])]
    lines = []
    for one in fields:
        found, path = opened(one.shape, present(one, value)), (*at, one.name)
        name = tag("label", label(one.name), for_=_first_entry(one.shape, found, path), title=one.name)
        what = tag("td", name, tag("small", help_of(one), class_="help") if help_of(one) else None, class_="what")
        lines.append(tag("tr", what, _value_cells(one.shape, found, path, sheet, pairs)))
    head = tag("thead", tag("tr", [tag("th", one, scope="col") for one in heads]))
    return tag("div", tag("table", head, tag("tbody", lines), class_="cards setting"), class_="scroll")


def _first_entry(shape: Shape, value: Any, path: Path) -> str:
    return name_of((*path, "live") if isinstance(shape, Record) and fits(shape, value) else path)


def _value_cells(shape: Shape, value: Any, path: Path, sheet: Sheet, pairs: bool) -> list[Markup]:
    if isinstance(shape, Record) and fits(shape, value):
        cells = [tag("td", _entry(one.shape, present(one, value), (*path, one.name), sheet), data_label=label(one.name))
                 for one in shape.fields]  # fmt: skip
        beside = sheet.fault(name_of(path))
        return [
            *cells[:-1],
            tag("td", _entry_of(shape.fields[-1], value, path, sheet), beside, data_label=TEXTS["demo"]),
        ]
    return [tag("td", _entry(shape, value, path, sheet), data_label=TEXTS["value"], colspan=2 if pairs else None)]


def _entry_of(field: Field, value: Mapping[str, Any], path: Path, sheet: Sheet) -> Markup:
    return _entry(field.shape, present(field, value), (*path, field.name), sheet)


def _entry(shape: Shape, value: Any, path: Path, sheet: Sheet, words: str = "") -> Markup:
    """Draw the entry of one value with its unit and what is wrong with it."""
    leaf = shape if isinstance(shape, Leaf) and fits(shape, value) else RAW
    name = name_of(path)
    fault = sheet.fault(name)
    more: dict[str, str | int | bool | None] = {
        "name": name, "id": name, "disabled": sheet.off, "aria_label": words or None, "autocomplete": "off",
        "aria_invalid": "true" if fault else None, "aria_describedby": f"fault:{name}" if fault else None,
    }  # fmt: skip
    counts = tag("span", unit(leaf), class_="unit") if unit(leaf) else None
    return tag("div", _box(leaf, value, more), counts, fault, class_="entry")


def _box(leaf: Leaf, value: Any, more: dict[str, str | int | bool | None]) -> Markup:
    words = shown(leaf, value)
    match leaf.kind:
        case Kind.CHOICE:
            return _select({one: choice(one) for one in leaf.choices}, words, leaf, more)
        case Kind.FLAG:
            return _select({str(one).lower(): YES_NO[one] for one in (True, False)}, words, leaf, more)
        case Kind.PICKS:
            return _picks(leaf, value, more)
        case Kind.MANY | Kind.LONG | Kind.RAW:
            rows = min(12, max(2 if leaf.kind is Kind.MANY else 3, words.count("\n") + 1))
            holder = TEXTS["per_line"] if leaf.kind is Kind.MANY else None
            mono = "mono" if leaf.kind is Kind.RAW else None
            return tag("textarea", words, rows=rows, placeholder=holder, class_=mono, maxlength=MOST_CHARACTERS, **more)
        case Kind.TEXT:
            return tag("input", value=words, class_="text", maxlength=MOST_CHARACTERS, **more)
    mode = {Kind.WHOLE: "numeric", Kind.NUMBER: "decimal", Kind.MONEY: "decimal"}.get(leaf.kind)
    holder = TEXTS["none"] if leaf.optional else None
    return tag("input", value=words, class_="short", inputmode=mode, placeholder=holder, maxlength=100, **more)


def _select(words: Mapping[str, str], chosen: str, leaf: Leaf, more: dict[str, str | int | bool | None]) -> Markup:
    known = dict(words)
    if leaf.optional:
        known = {"": TEXTS["none"], **known}
    if chosen not in known:
        known = {chosen: chosen, **known}
    options = [tag("option", said, value=one, selected=one == chosen) for one, said in known.items()]
    return tag("select", options, **more)


def _picks(leaf: Leaf, value: Any, more: dict[str, str | int | bool | None]) -> Markup:
    chosen = value if isinstance(value, list) else []
    boxes = []
    for one in leaf.choices:
        box = tag("input", type="checkbox", name=f"{more['name']}~{one}", value="1", checked=one in chosen,
                  disabled=more["disabled"])  # fmt: skip
        boxes.append(tag("label", box, " ", choice(one)))
    there = tag("input", type="hidden", name=more["name"], value="", disabled=more["disabled"])
    words = "、".join(choice(str(one)) for one in chosen) or TEXTS["none"]
    group = tag("div", there, boxes, class_="picks", role="group", aria_label=more["aria_label"])
    return tag("details", tag("summary", words, data_none=TEXTS["none"]), group, class_="picked", id=more["id"])


def _block(field: Field, value: Any, path: Path, sheet: Sheet) -> Markup:
    """Draw a part that fits in no cell, under its own title."""
    head: list[Child] = [tag("h3", label(field.name), title=field.name)]
    if help_of(field):
        head.append(tag("p", help_of(field), class_="help"))
    return tag(
        "div",
        head,
        sheet.fault(name_of(path)),
        _part(field.shape, value, path, sheet),
        class_="block",
        id=name_of(path),
    )


def _part(shape: Shape, value: Any, path: Path, sheet: Sheet) -> list[Markup]:
    if value is None and shape.optional and not isinstance(shape, Leaf):
        return [tag("p", TEXTS["not_set"], " ", sheet.press("set", path, TEXTS["set"]), class_="empty")]
    if not fits(shape, value):
        return [_entry(RAW, value, path, sheet, TEXTS["value"])]
    match shape:
        case Record():
            drawn = _record(shape, value, path, sheet)
        case Table():
            drawn = _table(shape, value, path, sheet)
        case Keyed():
            drawn = _keyed(shape, value, path, sheet)
        case _:
            return [_entry(shape, value, path, sheet)]
    return [*drawn, sheet.press("unset", path, TEXTS["unset"])] if shape.optional else drawn


def _table(shape: Table, rows: list[Any], path: Path, sheet: Sheet) -> list[Markup]:
    heads = ["#", *(_column(one) for one, _ in columns(shape.row))]
    lines: list[Markup] = []
    for place, row in enumerate(rows):
        where = (*path, place)
        first = tag("td", str(place + 1), class_="num place", data_label="#")
        lines += _row(shape.row, row, where, sheet, (first, _moves(where, len(rows), sheet)))
    return _grid(heads, lines, path, sheet)


def _keyed(shape: Keyed, rows: Mapping[str, Any], path: Path, sheet: Sheet) -> list[Markup]:
    record = shape.value if isinstance(shape.value, Record) and not shape.value.pair else None
    if record is None and not flat(shape.value):
        named = [_named(shape.value, key, one, (*path, n), sheet) for n, (key, one) in enumerate(rows.items())]
        return [*named, sheet.press("add", path, TEXTS["add"])]
    names = [_column(one) for one, _ in columns(record)] if record else [TEXTS["value"]]
    lines: list[Markup] = []
    for place, (key, one) in enumerate(rows.items()):
        where = (*path, place)
        first = tag("td", _key(key, where, sheet), data_label=TEXTS["key"], class_="key")
        acts = [_delete(where, sheet)]
        if record:
            lines += _row(record, one, where, sheet, (first, acts))
        else:
            cell = tag("td", _entry(shape.value, one, where, sheet, key), data_label=TEXTS["value"])
            lines.append(tag("tr", first, cell, _acts(acts), id=_row_id(where)))
    return _grid([TEXTS["key"], *names], lines, path, sheet)


def _named(shape: Shape, key: str, value: Any, path: Path, sheet: Sheet) -> Markup:
    head = tag("div", _key(key, path, sheet), _delete(path, sheet), class_="row named")
    return tag(
        "div", head, sheet.fault(name_of(path)), _part(shape, value, path, sheet), class_="block", id=_row_id(path)
    )


def _key(key: str, path: Path, sheet: Sheet) -> Markup:
    name = key_name(path)
    entry = tag("input", name=name, id=name, value=key, class_="text", disabled=sheet.off, maxlength=200,
                autocomplete="off", aria_label=TEXTS["key"],
                aria_invalid="true" if name in sheet.faults else None)  # fmt: skip
    return tag("div", entry, sheet.fault(name), class_="entry")


def _grid(heads: list[str], lines: list[Markup], path: Path, sheet: Sheet) -> list[Markup]:
    add = sheet.press("add", path, TEXTS["add"])
    if not lines:
        return [tag("p", TEXTS["empty"], class_="empty"), add]
    head = [tag("th", one, scope="col") for one in heads] + [tag("th", TEXTS["acts"], scope="col")]
    shown_table = tag("table", tag("thead", tag("tr", head)), tag("tbody", lines), class_="cards setting rows")
    return [tag("div", shown_table, class_="scroll"), add]


def _row(record: Record, row: Any, path: Path, sheet: Sheet, ends: tuple[Markup, list[Markup]]) -> list[Markup]:
    """Draw one row between its first cell and its buttons, and below it what fits in no cell of it."""
    first, acts = ends
    if not fits(record, row):
        raw = tag("td", _entry(RAW, row, path, sheet), colspan=len(list(columns(record))), data_label=TEXTS["value"])
        return [tag("tr", first, raw, _acts(acts), id=_row_id(path), data_row=True)]
    cells = [_cell(one, row, (path, inner), sheet) for inner, one in columns(record)]
    below = [_block(one, _found_in(row, inner, one), (*path, *inner), sheet) for inner, one in blocks(record)]
    fault = sheet.fault(name_of(path))
    more = [
        tag("tr", tag("td", one, colspan=len(cells) + 2), class_="more") for one in ([fault] if fault else []) + below
    ]
    return [tag("tr", first, cells, _acts(acts), id=_row_id(path), data_row=True), *more]


def _cell(field: Field, row: Mapping[str, Any], where: tuple[Path, Path], sheet: Sheet) -> Markup:
    path, inner = where
    value, place, words = opened(field.shape, _found_in(row, inner, field)), (*path, *inner), _column(inner)
    if isinstance(field.shape, Record) and fits(field.shape, value):
        both = [
            tag(
                "label", tag("span", label(one.name)), _entry(one.shape, present(one, value), (*place, one.name), sheet)
            )
            for one in field.shape.fields
        ]
        return tag("td", both, sheet.fault(name_of(place)), data_label=words, class_="pair")
    return tag("td", _entry(field.shape, value, place, sheet, words), data_label=words)


def _found_in(row: Mapping[str, Any], inner: Path, field: Field) -> Any:
    value: Any = row
    for step in inner[:-1]:
        value = value.get(str(step), {}) if isinstance(value, Mapping) else {}
    return present(field, value) if isinstance(value, Mapping) else MISSING


def _column(path: Path) -> str:
    return "·".join(label(str(step)) for step in path)


def _moves(path: Path, count: int, sheet: Sheet) -> list[Markup]:
    place = int(path[-1])
    no = {"up": TEXTS["first"] if place == 0 else "", "down": TEXTS["last"] if place == count - 1 else "", "copy": ""}
    why = {"up": TEXTS["up_why"], "down": TEXTS["down_why"], "copy": TEXTS["copy"]}
    moves = [
        sheet.press(what, path, SIGNS[what], title=not_now or why[what], aria_label=TEXTS[what], off=bool(not_now))
        for what, not_now in no.items()
    ]
    return [*moves, _delete(path, sheet)]


def _delete(path: Path, sheet: Sheet) -> Markup:
    return sheet.press(
        "delete", path, SIGNS["delete"], title=TEXTS["delete"], aria_label=TEXTS["delete"], class_="danger"
    )


def _acts(acts: list[Markup]) -> Markup:
    return tag("td", tag("div", acts, class_="moves"), data_label=TEXTS["acts"], class_="moving")


def _row_id(path: Path) -> str:
    return "row:" + ".".join(map(str, path))
