"""Photos of a case, sealed: evidence, labels, inspections; and what was read off a label (AFT-1, AFT-4, SEC-1).

Who saves a label photo has it read by the process for labels, without waiting. A number that we expect, or where we
know none a sure bar code, becomes the case's waybill; anything else waits for a person.
"""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.after_sales import CaseEvent, CaseState
from domain.errors import Refused
from domain.labels import USABLE, Candidate, Found, LabelReading, Source, match
from domain.photos import Photo
from store import audit, case_returns, cases, process_events
from store.database import Database
from store.keyring import KeyRing

MOST_PER_CASE = 30
PROCESS = "label"
BY_LABEL = "label"

_KNOWN = text("SELECT id FROM case_photo WHERE case_no = :no AND sha256 = :sha256")
_COUNT = text("SELECT count(*) FROM case_photo WHERE case_no = :no")
_CASE = text("SELECT order_key FROM after_sales_case WHERE no = :no FOR UPDATE")
_SAVE = text(
    """
    INSERT INTO case_photo (case_no, kind, mime, width, height, sha256, body_sealed, taken_at, actor, reading)
    VALUES (:no, :kind, :mime, :width, :height, :sha256, :body, :now, :actor, :reading) RETURNING id
    """
)
_BODY = text("SELECT id, case_no, sha256, mime, body_sealed FROM case_photo WHERE id = :id")
_LIST = text(
    """
    SELECT id, case_no, kind, mime, width, height, taken_at, actor, reading, read_carrier, read_waybill_no,
        read_percent, read_by
    FROM case_photo WHERE case_no = :no ORDER BY id
    """
)
_READ = text(
    """
    UPDATE case_photo SET reading = :reading, read_carrier = :carrier, read_waybill_no = :waybill_no,
        read_percent = :percent, read_by = :by
    WHERE id = :id AND reading = 'waiting'
    """
)
_EXPECTED = text(
    """
    SELECT waybill_no FROM after_sales_case WHERE no = :no AND waybill_no <> ''
    UNION SELECT waybill_no FROM return_parcel WHERE case_no = :no
    """
)


class PhotoKind(StrEnum):
    """What a photo is of."""

    EVIDENCE = "evidence"
    LABEL = "label"
    INSPECTION = "inspection"


class Reading(StrEnum):
    """What became of a label's number: waits for its reader, or for a person; read, or not to be read."""

    NONE = ""
    WAITING = "waiting"
    READ = "read"
    UNSURE = "unsure"
    UNREAD = "unread"


async def save(
    tx: AsyncConnection, ring: KeyRing, about: tuple[str, PhotoKind, str], photo: Photo, now: datetime
) -> int:
    """Keep a photo that was made new (connectors/files/photo.py) and give its id; the same photo of a case once.

    `about`: the case, the kind, who took it. Refused when there is no such case, or it has its fill of photos.
    """
    no, kind, actor = about
    order_key = (await tx.execute(_CASE, {"no": no})).scalar_one_or_none()
    if order_key is None:
        raise Refused("case", f"there is no case {no}")
    known = (await tx.execute(_KNOWN, {"no": no, "sha256": photo.sha256})).scalar_one_or_none()
    if known is not None:
        return int(known)
    if (await tx.execute(_COUNT, {"no": no})).scalar_one() >= MOST_PER_CASE:
        raise Refused("photos", f"case {no} has {MOST_PER_CASE} photos already")
    values = {
        "no": no,
        "kind": kind.value,
        "mime": photo.mime,
        "width": photo.width,
        "height": photo.height,
        "sha256": photo.sha256,
        "body": ring.seal(photo.jpeg_bytes, _context(no, photo.sha256)),
        "now": now,
        "actor": actor,
        "reading": (Reading.WAITING if kind is PhotoKind.LABEL else Reading.NONE).value,
    }
    id = int((await tx.execute(_SAVE, values)).scalar_one())
    await audit.write(tx, "case.photo", no, now, actor=actor, kind=kind.value, photo=id)
    if kind is PhotoKind.LABEL:
        await process_events.add(tx, f"{PROCESS}:{id}", order_key, "saved", now)
    return id


async def load(tx: AsyncConnection, ring: KeyRing, id: int) -> tuple[str, bytes]:
    """Give a photo's type and bytes; Refused when there is none."""
    row = (await tx.execute(_BODY, {"id": id})).one_or_none()
    if row is None:
        raise Refused("photo", f"no photo {id} is kept here")
    return row.mime, ring.open(row.body_sealed, _context(row.case_no, row.sha256))


async def show(tx: AsyncConnection, ring: KeyRing, id: int, actor: str, now: datetime) -> tuple[str, bytes]:
    """Give a photo's type and bytes to a person, and note who saw it; Refused when there is none (SEC-1)."""
    row = (await tx.execute(_BODY, {"id": id})).one_or_none()
    if row is None:
        raise Refused("photo", f"no photo {id} is kept here")
    await audit.write(tx, "case.photo_opened", row.case_no, now, actor=actor, photo=id)
    return row.mime, ring.open(row.body_sealed, _context(row.case_no, row.sha256))


async def of_case(tx: AsyncConnection, no: str) -> Sequence[Row[Any]]:
    """List a case's photos without their bodies."""
    return (await tx.execute(_LIST, {"no": no})).all()


def _context(no: str, sha256: str) -> str:
    return f"case.photo|{no}|{sha256}"


class SqlCasePhotos:
    """Photos for the reader of labels, and where its readings go.

    Implements activities/ports_labels.py: Photos and Readings.
    """

    def __init__(self, database: Database, ring: KeyRing) -> None:
        self._database = database
        self._ring = ring

    async def load(self, photo_id: str) -> bytes:
        """Give a kept photo; Refused when there is none of this id."""
        if not photo_id.isdigit():
            raise Refused("photo", f"no photo {photo_id[:20]} is kept here")
        async with self._database.transaction() as tx:
            return (await load(tx, self._ring, int(photo_id)))[1]

    async def keep(self, photo_id: str, reading: LabelReading | None, now: datetime) -> None:
        """Note what was read, once; a sure number becomes the case's waybill. None: nobody could read it."""
        async with self._database.transaction() as tx:
            photo = (await tx.execute(_BODY, {"id": int(photo_id)})).one_or_none()
            if photo is None:
                return
            _, row = await cases.lock(tx, photo.case_no)
            expected = (await tx.execute(_EXPECTED, {"no": row.no})).scalars().all()
            state, found = judge(reading, expected)
            values = {
                "id": photo.id,
                "reading": state.value,
                "carrier": found.carrier if found else "",
                "waybill_no": found.waybill_no if found else "",
                "percent": round(found.confidence * 100) if found else 0,
                "by": found.source.value if found else "",
            }
            if not (await tx.execute(_READ, values)).rowcount:
                return
            await audit.write(tx, "case.label", row.no, now, actor=BY_LABEL, photo=photo.id, reading=state.value)
            if state is Reading.READ and found and not row.waybill_no and _expects(row):
                await case_returns.set_waybill(tx, row, (found.carrier, found.waybill_no), BY_LABEL, now)
            await cases.wake(tx, row.no, row.order_key, CaseEvent.PARCEL, now)


def judge(reading: LabelReading | None, expected: Sequence[str]) -> tuple[Reading, Candidate | None]:
    """Say what a reading is worth: read when it is the number we know, or a sure bar code where we know none."""
    if reading is None:
        return Reading.UNREAD, None
    found = match(reading, expected)
    if found.found is Found.EXPECTED:
        return Reading.READ, found.candidate
    best = found.candidate
    if best is None:
        return (Reading.UNSURE if reading.candidates else Reading.UNREAD), None
    sure = not expected and best.source is Source.BARCODE and bool(best.carrier) and best.confidence >= USABLE
    return (Reading.READ if sure else Reading.UNSURE), best


def _expects(row: Row[Any]) -> bool:
    return row.closed_at is None and row.state in {CaseState.RETURNING.value, CaseState.IN_TRANSIT.value}
