"""The shape of a settings document for people: fields, tables and keyed tables, derived from its schema (CFG-1).

Knows no document by name: a new one needs no line here. What it cannot draw is edited as JSON.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final

Path = tuple[int | str, ...]
"""To a place in a document: names of fields, positions in tables and in keyed tables."""


class Kind(StrEnum):
    """How one value is typed in."""

    TEXT = "text"
    LONG = "long"
    WHOLE = "whole"
    NUMBER = "number"
    FLAG = "flag"
    CHOICE = "choice"
    SPAN = "span"
    MONEY = "money"
    MANY = "many"
    PICKS = "picks"
    RAW = "raw"


class _Missing:
    """What is not in the document; nothing else is."""

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = _Missing()
LONG_CHARACTERS = 200
PROFILES = ("live", "demo")


@dataclass(frozen=True, slots=True)
class Leaf:
    """One value. `item` is what each of several is; `unit` stands behind the entry."""

    kind: Kind
    optional: bool = False
    choices: tuple[str, ...] = ()
    item: "Leaf | None" = None
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Field:
    """One named part of a record; without a default it must be there."""

    name: str
    shape: "Shape"
    default: Any = MISSING
    help: str = ""


@dataclass(frozen=True, slots=True)
class Record:
    """Named parts side by side."""

    fields: tuple[Field, ...]
    optional: bool = False

    @property
    def pair(self) -> bool:
        """Whether it is one value for real and sped up."""
        return tuple(one.name for one in self.fields) == PROFILES


@dataclass(frozen=True, slots=True)
class Table:
    """Rows in an order that matters."""

    row: Record
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Keyed:
    """Values by a key that people write."""

    value: "Shape"
    optional: bool = False


Shape = Leaf | Record | Table | Keyed
UNITS = (
    "seconds",
    "minutes",
    "hours",
    "days",
    "percent",
    "units",
    "orders",
    "failures",
    "attempts",
    "characters",
    "minor",
)
"""Words of names that say in what a number is counted (design: units last)."""


def record_of(schema: Mapping[str, Any]) -> Record:
    """Derive the shape of a document from its JSON schema."""
    shape = _shape(schema, schema.get("$defs", {}), "")
    return shape if isinstance(shape, Record) else Record(())


def _shape(schema: Mapping[str, Any], known: Mapping[str, Any], name: str) -> Shape:
    if "$ref" in schema:
        of = schema["$ref"].rsplit("/", 1)[1]
        found = _shape(known[of], known, name)
        return _timed(found) if of.startswith("Duration") and isinstance(found, Record) else found
    if "anyOf" in schema:
        parts = [one for one in schema["anyOf"] if one.get("type") != "null"]
        if len(parts) != 1:
            return Leaf(Kind.RAW, optional=len(parts) < len(schema["anyOf"]))
        return replace(_shape(parts[0], known, name), optional=True)
    if "enum" in schema or "const" in schema:
        found_choices = schema.get("enum") or [schema["const"]]
        plain = all(isinstance(one, str) for one in found_choices)
        return Leaf(Kind.CHOICE, choices=tuple(found_choices)) if plain else Leaf(Kind.RAW)
    return _container(schema, known, name) or _leaf(schema, name)


def _container(schema: Mapping[str, Any], known: Mapping[str, Any], name: str) -> Shape | None:
    if schema.get("type") == "array":
        row = _shape(schema["items"], known, name) if schema.get("items") else Leaf(Kind.RAW)
        if isinstance(row, Record):
            return Table(row)
        simple = isinstance(row, Leaf) and not row.optional and row.kind not in {Kind.RAW, Kind.MANY, Kind.PICKS}
        if not isinstance(row, Leaf) or not simple:
            return Leaf(Kind.RAW)
        return Leaf(Kind.PICKS, choices=row.choices) if row.kind is Kind.CHOICE else Leaf(Kind.MANY, item=row)
    if schema.get("type") != "object":
        return None
    if "properties" in schema:
        required = set(schema.get("required", ()))
        return Record(tuple(_field(key, one, known, required) for key, one in schema["properties"].items()))
    more = schema.get("additionalProperties") or next(iter(schema.get("patternProperties", {}).values()), None)
    return Keyed(_shape(more, known, name)) if isinstance(more, Mapping) else Leaf(Kind.RAW)


def _field(name: str, schema: Mapping[str, Any], known: Mapping[str, Any], required: set[str]) -> Field:
    default = MISSING if name in required else schema.get("default", MISSING)
    return Field(name, _shape(schema, known, name), default, schema.get("description", ""))


def _leaf(schema: Mapping[str, Any], name: str) -> Leaf:
    unit = next((one for one in reversed(name.split("_")) if one in UNITS), "")
    match schema.get("type"):
        case "integer" | "number" if unit == "seconds":
            return Leaf(Kind.SPAN)
        case "integer" if unit == "minor":
            return Leaf(Kind.MONEY, unit=unit)
        case "integer":
            return Leaf(Kind.WHOLE, unit=unit)
        case "number":
            return Leaf(Kind.NUMBER, unit=unit)
        case "boolean":
            return Leaf(Kind.FLAG)
        case "string":
            return Leaf(Kind.LONG if schema.get("maxLength", 0) > LONG_CHARACTERS else Kind.TEXT)
    return Leaf(Kind.RAW)


def _timed(record: Record) -> Record:
    """Read the numbers of a duration as time."""
    return Record(tuple(replace(one, shape=_as_span(one.shape)) for one in record.fields))


def _as_span(shape: Shape) -> Shape:
    if isinstance(shape, Leaf) and shape.kind in {Kind.WHOLE, Kind.NUMBER}:
        return replace(shape, kind=Kind.SPAN, unit="")
    if isinstance(shape, Leaf) and shape.item:
        return replace(shape, item=Leaf(Kind.SPAN))
    return shape


def flat(shape: Shape) -> bool:
    """Say whether it fits into one cell."""
    return isinstance(shape, Leaf) or (isinstance(shape, Record) and shape.pair)


def columns(record: Record) -> Iterator[tuple[Path, Field]]:
    """Give the cells of a row: parts of parts stand beside their siblings, what fits in no cell is left out."""
    for one in record.fields:
        if flat(one.shape):
            yield (one.name,), one
        elif isinstance(one.shape, Record) and not one.shape.optional:
            for path, inner in columns(one.shape):
                yield (one.name, *path), inner


def blocks(record: Record) -> Iterator[tuple[Path, Field]]:
    """Give the parts of a row that fit in no cell."""
    for one in record.fields:
        if flat(one.shape):
            continue
        if isinstance(one.shape, Record) and not one.shape.optional:
            for path, inner in blocks(one.shape):
                yield (one.name, *path), inner
        else:
            yield (one.name,), one


def opened(shape: Shape, value: Any) -> Any:
    """Give the value of a pair that may be left out as the two empty entries that it is drawn as."""
    return {} if value is None and isinstance(shape, Record) and shape.pair and shape.optional else value


def fits(shape: Shape, value: Any) -> bool:
    """Say whether a value can be drawn as its shape; else it is edited as JSON."""
    match shape:
        case Leaf(kind=Kind.MANY | Kind.PICKS):
            return value is MISSING or (
                isinstance(value, list) and not any(isinstance(one, list | dict) for one in value)
            )
        case Leaf():
            return value is MISSING or shape.kind is Kind.RAW or not isinstance(value, list | dict)
        case Table():
            return isinstance(value, list)
        case _:
            return isinstance(value, dict)


def blank(shape: Shape) -> Any:
    """Give what a new one begins with: what must be there, empty."""
    match shape:
        case _ if shape.optional:
            return None
        case Leaf(kind=Kind.MANY | Kind.PICKS) | Table():
            return []
        case Leaf(kind=Kind.CHOICE):
            return shape.choices[0]
        case Leaf(kind=Kind.FLAG):
            return False
        case Record():
            return {one.name: blank(one.shape) for one in shape.fields if one.default is MISSING}
        case Keyed():
            return {}
    return ""
