"""The evidence of a claim as a ZIP, to be handed in by hand: tables as CSV that Excel opens, and photos (EXC-2)."""

import csv
import io
import zipfile
from collections.abc import Mapping, Sequence

from domain.exceptions import Evidence

MARK = "\ufeff"
"""Excel reads UTF-8 only with it."""
EPOCH = (1980, 1, 1, 0, 0, 0)
"""The same facts give the same bytes."""


def write(evidence: Evidence) -> bytes:
    """Pack everything; what a cell begins with is never read as a formula."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, rows in evidence.tables.items():
            _put(archive, f"{name}.csv", (MARK + _csv(rows)).encode())
        for name, photo in evidence.photos.items():
            _put(archive, f"photos/{name}", photo)
    return packed.getvalue()


def _put(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    archive.writestr(zipfile.ZipInfo(name, EPOCH), data, zipfile.ZIP_DEFLATED)


def _csv(rows: Sequence[Mapping[str, str]]) -> str:
    written = io.StringIO()
    if rows:
        writer = csv.DictWriter(written, list(rows[0]), lineterminator="\r\n")
        writer.writeheader()
        writer.writerows({name: _plain(value) for name, value in row.items()} for row in rows)
    return written.getvalue()


def _plain(value: str) -> str:
    return f"'{value}" if value[:1] in {"=", "+", "-", "@", "\t"} else value
