"""Reading units and moments that are typed: `TEE=5`, `S001=200`, `2026-12-01`."""

import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from clients.cli.session import out
from connectors.files.table import MAX_FILE_BYTES
from domain.errors import BadInput
from store.numbers import DAY_OF
from store.receipts import ByHand

Ref = Annotated[str, typer.Option(help="number of the delivery note: it is booked once")]
Final = Annotated[bool, typer.Option("--final", help="nothing more is to come")]
_UNITS = re.compile(r"(\S{1,64})=(\d{1,7})", re.ASCII)


def units(words: Sequence[str], what: str = "SKU") -> dict[str, int]:
    """Read `NAME=UNITS` several times; BadInput for anything else and for a name that comes twice."""
    found: dict[str, int] = {}
    for word in words:
        read = _UNITS.fullmatch(word)
        if read is None:
            raise BadInput(f"{word!r}: write {what}=UNITS, such as {'TEE=5' if what == 'SKU' else 'S001=200'}")
        if read[1] in found:
            raise BadInput(f"{read[1]} is there twice")
        found[read[1]] = int(read[2])
    return found


def moment(word: str) -> datetime:
    """Read a day or a time of day in China, or a moment with its own offset."""
    try:
        read = datetime.fromisoformat(word)
    except ValueError:
        raise BadInput(f"{word!r}: write a day such as 2026-12-01, or 2026-12-01T15:00") from None
    return read if read.tzinfo else read.replace(tzinfo=DAY_OF)


def by_hand(some: Sequence[str] | None, ref: str, final: bool, actor: str) -> ByHand:
    """Read what arrived by a delivery note: all that is due, or `NAME=UNITS` with the note's number."""
    if some and not ref:
        raise BadInput("name the delivery note (--ref), so that it is booked once")
    return ByHand(units(some or ()), ref or "all", final or not some, actor)


def received(no: str, booked: bool) -> None:
    """Say what came of it."""
    out.print(f"{no}: received" if booked else f"{no}: booked before, nothing changed", highlight=False)


def file_bytes(path: Path) -> bytes:
    """Read a file; one byte more than may be, so that a huge one is refused without being held."""
    try:
        with path.open("rb") as opened:
            return opened.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}") from None


def write_new(path: Path, content: bytes) -> None:
    """Write a file that is not there yet."""
    try:
        with path.open("xb") as opened:
            opened.write(content)
    except OSError as error:
        raise BadInput(f"{path} cannot be written: {error.strerror}; name another file") from None
