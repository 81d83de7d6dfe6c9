"""Reading the label on one photo (AFT-4). Gives numbers only: a label also bears names, and results become history."""

from datetime import datetime

from temporalio import activity

from activities.failures import effect_failures, fact_failures
from activities.ports_labels import LabelReader, Photos, Readings
from domain.labels import LabelReading


class LabelActivities:
    """Reads labels of kept photos; runs in its own process, on its own task queue."""

    def __init__(self, photos: Photos, reader: LabelReader) -> None:
        self._photos = photos
        self._reader = reader

    @activity.defn
    async def read_label(self, photo_id: str) -> LabelReading:
        """Read the label on a photo. Changes nothing, so it has no undo and may be repeated."""
        with effect_failures():
            return await self._reader.read(await self._photos.load(photo_id))


class ReadingActivities:
    """Notes what was read; run as a local activity."""

    def __init__(self, readings: Readings) -> None:
        self._readings = readings

    @activity.defn
    async def keep_reading(self, photo_id: str, reading: LabelReading | None, now: datetime) -> None:
        """Note it. Undone by a person who types another number."""
        with fact_failures():
            await self._readings.keep(photo_id, reading, now)
