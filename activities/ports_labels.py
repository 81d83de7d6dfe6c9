"""Ports of label reading: where a photo is kept, and who reads it. workers/ocr.py fits parts in."""

from datetime import datetime
from typing import Protocol

from domain.labels import LabelReading


class Photos(Protocol):
    """The photos that buyers sent."""

    async def load(self, photo_id: str) -> bytes:
        """Give a kept photo; Refused when there is none of this id."""


class LabelReader(Protocol):
    """Reads labels on this machine, without holding up whoever asks."""

    async def read(self, photo: bytes) -> LabelReading:
        """Read a label; BadInput when it is no photo."""


class Readings(Protocol):
    """Where it is noted what was read; None when nobody could. Noting twice is harmless."""

    async def keep(self, photo_id: str, reading: LabelReading | None, now: datetime) -> None: ...
