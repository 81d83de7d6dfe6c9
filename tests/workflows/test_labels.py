"""A workflow has a label read beside its own work, and goes on without it when nobody reads (AFT-4)."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

from temporalio.client import Client
from temporalio.worker import Worker

from activities.labels import ReadingActivities
from activities.ports_labels import LabelReader, Photos
from clients import task_queues
from clients.temporal import OCR_QUEUE, ORDERS_QUEUE
from clients.temporal_labels import have_read
from domain.errors import Refused
from domain.labels import Candidate, LabelReading, Source
from tests.connectors.label_pictures import WAYBILL, jpeg, plain
from tests.workflows.house import eventually
from tests.workflows.returning import Returning
from workers.ocr import ThreadedReader, labels_worker
from workers.wiring import sandbox, steps_of
from workflows.labels import LabelWorkflow

READ = LabelReading((Candidate("SF", WAYBILL, Source.BARCODE, 0.99),))


class Kept:
    """Photos by id; one of them is no photo."""

    def __init__(self) -> None:
        self.photos = {"p1": jpeg(plain()), "text": b"not a photo"}

    async def load(self, photo_id: str) -> bytes:
        """Give it."""
        if photo_id not in self.photos:
            raise Refused("photo", f"no photo {photo_id}")
        return self.photos[photo_id]


@asynccontextmanager
async def returning(client: Client) -> AsyncIterator[None]:
    async with Worker(client, task_queue=ORDERS_QUEUE, workflows=[Returning], workflow_runner=sandbox()):
        yield


async def outcome(client: Client, photo_id: str, patience_seconds: float) -> LabelReading | None:
    arguments = (photo_id, patience_seconds)
    return await client.execute_workflow(
        Returning.run, args=arguments, id=f"returning-{photo_id}-{patience_seconds}", task_queue=ORDERS_QUEUE
    )


async def test_a_label_is_read_in_its_own_queue_and_a_bad_photo_is_no_reading(temporal: Client) -> None:
    photos: Photos = Kept()
    reader: LabelReader = ThreadedReader(None)
    async with returning(temporal), labels_worker(temporal, photos, reader):
        assert await outcome(temporal, "p1", 60) == READ
        assert await outcome(temporal, "text", 60) is None
        assert await outcome(temporal, "unknown", 60) is None

        async def polled() -> bool:
            return bool((await task_queues.queues(temporal, labels=True))[-1].pollers)

        await eventually(polled, polled)
    assert [one.name for one in await task_queues.queues(temporal)] == ["orders", "shops"]


class Noted:
    """What was read, by photo."""

    def __init__(self) -> None:
        self.kept: dict[str, LabelReading | None] = {}

    async def keep(self, photo_id: str, reading: LabelReading | None, now: datetime) -> None:
        """Note it."""
        self.kept[photo_id] = reading


async def test_a_saved_label_is_read_once_and_what_cannot_be_read_is_noted_too(temporal: Client) -> None:
    readings = Noted()
    steps = steps_of(ReadingActivities(readings))
    house = Worker(
        temporal, task_queue=ORDERS_QUEUE, workflows=[LabelWorkflow], activities=steps, workflow_runner=sandbox()
    )
    async with house, labels_worker(temporal, Kept(), ThreadedReader(None)):
        assert await have_read(temporal, "p1")
        assert not await have_read(temporal, "p1")
        assert await have_read(temporal, "text")
        for photo_id in ("p1", "text"):
            await temporal.get_workflow_handle(f"label:{photo_id}").result()
    assert readings.kept == {"p1": READ, "text": None}


async def test_nothing_waits_for_a_label_when_nobody_reads(temporal: Client) -> None:
    async with returning(temporal):
        assert await outcome(temporal, "p1", 0.1) is None


def test_the_queue_of_labels_is_apart() -> None:
    assert OCR_QUEUE == "ocr" != ORDERS_QUEUE
