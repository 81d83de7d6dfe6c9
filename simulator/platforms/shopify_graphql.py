"""A little of GraphQL: it reads a document and picks the asked fields out of what there is. Owns no orders.

What there is are dicts with a `__typename`; a field with arguments is a function of them. A field that is not there is
refused as the platform refuses it, so a question that asks for what nobody documents fails here too.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import cast

Json = dict[str, object]
Field = Callable[[Mapping[str, object]], object]
_TOKEN = re.compile(r'\s+|,|#[^\n]*|(\.\.\.|[!$():=@\[\]{|}]|"(?:[^"\\\n]|\\.)*"|-?\d+(?:\.\d+)?|[_A-Za-z]\w*)')
_WORDS = {"null": None, "true": True, "false": False}


class GraphqlError(Exception):
    """What the platform has against a question; `code` is its word, empty where it has none."""

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.code = code


@dataclass(frozen=True)
class Variable:
    name: str


@dataclass(frozen=True)
class Selection:
    """A field, or with `on` a fragment; `spread` names one that stands elsewhere."""

    name: str = ""
    args: Mapping[str, object] = field(default_factory=dict)
    directives: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    inner: tuple["Selection", ...] = ()
    on: str = ""
    spread: str = ""


@dataclass(frozen=True)
class Document:
    """One operation (`query` or `mutation`) and its fragments by name: type and fields."""

    kind: str
    fields: tuple[Selection, ...]
    fragments: Mapping[str, tuple[str, tuple[Selection, ...]]]


class _Reader:
    NONE: tuple[Selection, ...] = ()

    def __init__(self, text: str) -> None:
        self._tokens = list(_tokens(text))
        self._at = 0

    @property
    def next(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def take(self, wanted: str = "") -> str:
        token = self.next
        if not token or (wanted and token != wanted):
            raise GraphqlError(f"syntax error: unexpected {token or 'end'!r}", "PARSE_FAILED")
        self._at += 1
        return token

    def document(self) -> Document:
        kind, fields = "", self.NONE
        fragments: dict[str, tuple[str, tuple[Selection, ...]]] = {}
        while self.next:
            word = self.take() if self.next != "{" else "query"
            if word == "fragment":
                name = self.take()
                self.take("on")
                fragments[name] = (self.take(), self.selections())
                continue
            if word not in ("query", "mutation") or kind:
                raise GraphqlError(f"syntax error: unexpected {word!r}", "PARSE_FAILED")
            while self.next and self.next != "{":
                self.take()
            kind, fields = word, self.selections()
        return Document(kind, fields, fragments)

    def selections(self) -> tuple[Selection, ...]:
        self.take("{")
        found = []
        while self.next != "}":
            found.append(self._fragment() if self.next == "..." else self._field())
        self.take("}")
        return tuple(found)

    def _fragment(self) -> Selection:
        self.take("...")
        if self.next != "on":
            return Selection(spread=self.take())
        self.take("on")
        return Selection(on=self.take(), inner=self.selections())

    def _field(self) -> Selection:
        name = self.take()
        args = self._args()
        directives = {}
        while self.next == "@":
            self.take("@")
            directive = self.take()
            directives[directive] = self._args()
        inner = self.selections() if self.next == "{" else ()
        return Selection(name, args, directives, inner)

    def _args(self) -> dict[str, object]:
        if self.next != "(":
            return {}
        self.take("(")
        found = {}
        while self.next != ")":
            name = self.take()
            self.take(":")
            found[name] = self._value()
        self.take(")")
        return found

    def _value(self) -> object:
        word = self.take()
        if word == "$":
            return Variable(self.take())
        if word == "[":
            several = []
            while self.next != "]":
                several.append(self._value())
            self.take("]")
            return several
        if word.startswith('"'):
            return json.loads(word)
        if word in _WORDS:
            return _WORDS[word]
        return json.loads(word) if word[0] in "-0123456789" else word


def _tokens(text: str) -> Iterator[str]:
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise GraphqlError(f"syntax error: unexpected {text[at]!r}", "PARSE_FAILED")
        if found[1]:
            yield found[1]
        at = found.end()


def parse(text: str) -> Document:
    """Read a document with one operation; raises GraphqlError. Aliases are not offered."""
    return _Reader(text).document()


@dataclass(frozen=True)
class Answerer:
    """Answers one document with its variables."""

    document: Document
    variables: Mapping[str, object]

    def pick(self, thing: object, asked: tuple[Selection, ...]) -> object:
        """Give the asked fields of a thing, of each of several, or nothing of nothing."""
        if thing is None:
            return None
        if isinstance(thing, list):
            return [self.pick(one, asked) for one in thing]
        if not isinstance(thing, dict):
            raise GraphqlError("selections can't be made on scalars", "undefinedField")
        picked: Json = {}
        for one in self._flat(thing, asked):
            picked[one.name] = self._answer(thing, one)
        return picked

    def _flat(self, thing: Json, asked: tuple[Selection, ...]) -> Iterator[Selection]:
        for one in asked:
            if not one.on and not one.spread:
                yield one
                continue
            if one.spread and one.spread not in self.document.fragments:
                raise GraphqlError(f"fragment {one.spread} was used, but not defined", "useAndDefineFragment")
            on, inner = self.document.fragments[one.spread] if one.spread else (one.on, one.inner)
            if on == thing.get("__typename"):
                yield from self._flat(thing, inner)

    def _answer(self, thing: Json, one: Selection) -> object:
        if one.name not in thing:
            words = f"Field '{one.name}' doesn't exist on type '{thing.get('__typename', 'QueryRoot')}'"
            raise GraphqlError(words, "undefinedField")
        value = thing[one.name]
        if callable(value):
            value = cast(Field, value)(self._given(one))
        if one.inner:
            return self.pick(value, one.inner)
        if isinstance(value, dict) or (isinstance(value, list) and value and isinstance(value[0], dict)):
            raise GraphqlError(f"Field must have selections (field '{one.name}')", "selectionMismatch")
        return value

    def _given(self, one: Selection) -> dict[str, object]:
        """Fill the arguments in; those of directives come with `@` before their name."""
        given = {name: self._fill(value) for name, value in one.args.items()}
        for directive, args in one.directives.items():
            given |= {f"@{directive}.{name}": self._fill(value) for name, value in args.items()}
        return given

    def _fill(self, value: object) -> object:
        if isinstance(value, Variable):
            return self.variables.get(value.name)
        return [self._fill(one) for one in value] if isinstance(value, list) else value


def page_of(count: int, given: Mapping[str, object], most: int = 250) -> tuple[int, int, Json]:
    """Say from where to where a page of so many rows goes, and its page info; the cursor is the place of a row."""
    first, after = given.get("first"), given.get("after")
    if isinstance(first, bool) or not isinstance(first, int) or not 1 <= first <= most:
        raise GraphqlError(f"first must be a number from 1 to {most}", "argumentLiteralsIncompatible")
    begins = int(after) + 1 if isinstance(after, str) and after.isdigit() else 0
    ends = max(begins, min(begins + first, count))
    cursor = str(ends - 1) if ends > begins else None
    return begins, ends, {"__typename": "PageInfo", "hasNextPage": ends < count, "endCursor": cursor}


def connection(nodes: list[Json], given: Mapping[str, object]) -> Json:
    """Give one page of a list."""
    begins, ends, page = page_of(len(nodes), given)
    return {"__typename": "Connection", "nodes": nodes[begins:ends], "pageInfo": page}
