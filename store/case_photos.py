"""Photos of cases in SQL, sealed: they may show a person, a home or a label (SEC-1). Reading them is not known here."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.errors import Refused
from domain.photos import Photo
from store.keyring import KeyRing

EVIDENCE, LABEL, INSPECTION = "evidence", "label", "inspection"

_SAVE = text(
    """
    INSERT INTO case_photo (case_no, kind, mime, width, height, sha256, body_sealed, taken_at, actor, reading)
    VALUES (:no, :kind, :mime, :width, :height, :sha256, :body, :now, :actor, :reading)
    ON CONFLICT (case_no, sha256) DO NOTHING RETURNING id
    """
)
_SAME = text("SELECT id FROM case_photo WHERE case_no = :no AND sha256 = :sha256")
_LOAD = text("SELECT case_no, sha256, body_sealed FROM case_photo WHERE id = :id")
_LISTED = text(
    """
    SELECT id, kind, mime, width, height, taken_at, actor, reading, read_carrier, read_waybill_no, read_percent
    FROM case_photo WHERE case_no = :no ORDER BY id
    """
)


@dataclass(frozen=True, slots=True)
class CasePhoto:
    """What is known of a photo without opening it."""

    id: int
    kind: str
    mime: str
    width: int
    height: int
    taken_at: datetime
    actor: str
    reading: str
    read_carrier: str
    read_waybill_no: str
    read_percent: int


async def save(  # noqa: PLR0913  (one row)
    tx: AsyncConnection, ring: KeyRing, case_no: str, kind: str, photo: Photo, actor: str, now: datetime
) -> int:
    """Keep a photo of a case and give its number; the same picture is kept once. A label waits to be read."""
    values = {
        "no": case_no,
        "kind": kind,
        "mime": photo.mime,
        "width": photo.width,
        "height": photo.height,
        "sha256": photo.sha256,
        "body": ring.seal(photo.jpeg_bytes, _context(case_no, photo.sha256)),
        "now": now,
        "actor": actor,
        "reading": "waiting" if kind == LABEL else "",
    }
    found = (await tx.execute(_SAVE, values)).scalar_one_or_none()
    return int(found if found is not None else (await tx.execute(_SAME, values)).scalar_one())


async def load(tx: AsyncConnection, ring: KeyRing, photo_id: int) -> bytes:
    """Open a photo; Refused when there is none of that number."""
    row = (await tx.execute(_LOAD, {"id": photo_id})).one_or_none()
    if row is None:
        raise Refused("photo", f"there is no photo {photo_id}")
    return ring.open(row.body_sealed, _context(row.case_no, row.sha256))


async def listed(tx: AsyncConnection, case_no: str) -> list[CasePhoto]:
    """List the photos of a case, oldest first."""
    return [CasePhoto(**row._mapping) for row in await tx.execute(_LISTED, {"no": case_no})]


def _context(case_no: str, sha256: str) -> str:
    return f"case_photo|{case_no}|{sha256}"
