"""Stands for any workflow that has a photo and other things to do; apart, so that the sandbox can load it."""

from temporalio import workflow

from domain.labels import LabelReading
from workflows.labels import start_reading


@workflow.defn
class Returning:
    """Has one label read."""

    @workflow.run
    async def run(self, photo_id: str, patience_seconds: float) -> LabelReading | None:
        """Start the reading, and give what came of it."""
        return await start_reading(photo_id, patience_seconds)
