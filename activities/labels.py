"""Reading the label on one photo (AFT-4). Gives numbers only: a label also bears names, and results become history."""

from temporalio import activity

from activities.failures import effect_failures
from activities.ports_labels import LabelReader, Photos
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
