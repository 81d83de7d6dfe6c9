"""Reading units and moments that are typed: `TEE=5`, `S001=200`, `2026-12-01`."""

import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from connectors.files.table import MAX_FILE_BYTES
from domain.errors import BadInput
from store.numbers import DAY_OF

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
