"""Paging by key: a page starts behind a row, not at a number, so it stays right while rows come, go and move.

Owns the marks that stand in a page's address. A statement asks for one row more than it shows: that one tells whether
there is a next page.
"""

import base64
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

from domain.errors import BadInput

PAGE_ROWS = 50
CAP = 1000
"""Counts stop here: nobody needs to know whether 40,000 or 41,000 orders are completed, and counting them costs."""
MOST_INT = 2**63

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Count:
    """How many there are; `more` when there are more than `n`."""

    n: int
    more: bool = False

    def __str__(self) -> str:
        return f"{self.n}+" if self.more else str(self.n)


def capped(n: int, cap: int = CAP) -> Count:
    """Read a count that was stopped one behind its cap."""
    return Count(min(n, cap), n > cap)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page starts: behind the row of this mark, or before it when going `back`. No mark: at the first row."""

    mark: str = ""
    back: bool = False


FIRST = Place()


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """One page of a list, with the marks for Place(next) and Place(previous, back=True); empty: nothing is there."""

    rows: list[Row]
    next: str = ""
    previous: str = ""


def make_mark(*parts: str | int | datetime) -> str:
    """Write a row's place in its list so that it can stand in an address."""
    plain = [part.isoformat() if isinstance(part, datetime) else part for part in parts]
    return base64.urlsafe_b64encode(json.dumps(plain).encode()).decode().rstrip("=")


def read_mark(mark: str, *kinds: type) -> list[Any]:
    """Read a mark with parts of these kinds; raise BadInput when it is not one of ours. Times travel as text."""
    try:
        parts = json.loads(base64.urlsafe_b64decode(mark + "=" * (-len(mark) % 4)))
        if isinstance(parts, list) and len(parts) == len(kinds):
            return [_read_part(part, kind) for part, kind in zip(parts, kinds, strict=True)]
    except (ValueError, TypeError) as error:
        raise BadInput("this page mark cannot be read; start at the first page") from error
    raise BadInput("this page mark belongs to another list; start at the first page")


def _read_part(part: object, kind: type) -> object:
    if kind is datetime and isinstance(part, str):
        return datetime.fromisoformat(part).replace(tzinfo=UTC)
    if type(part) is not kind or (isinstance(part, int) and abs(part) >= MOST_INT) or "\0" in str(part):
        raise TypeError("another kind of part")
    return part


def cut(found: Sequence[Row], place: Place, mark: Callable[[Row], str], rows: int = PAGE_ROWS) -> Page[Row]:
    """Make a page of up to `rows` + 1 rows in the order in which they were asked for."""
    shown, more = list(found[:rows]), len(found) > rows
    if place.back:
        shown.reverse()
    behind = more if not place.back else True
    before = more if place.back else bool(place.mark)
    first, last = (mark(shown[0]), mark(shown[-1])) if shown else ("", "")
    return Page(shown, last if behind else "", first if before else "")
