"""A workflow has a label read beside its own work, and goes on without it when nobody reads (AFT-4)."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from temporalio.client import Client
from temporalio.worker import Worker

from activities.ports_labels import LabelReader, Photos
from clients import task_queues
from clients.temporal import OCR_QUEUE, ORDERS_QUEUE
from domain.errors import Refused
from domain.labels import Candidate, LabelReading, Source
from tests.connectors.label_pictures import WAYBILL, jpeg, plain
from tests.workflows.house import eventually
from tests.workflows.returning import Returning
from workers.ocr import ThreadedReader, labels_worker
from workers.wiring import sandbox

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


async def test_nothing_waits_for_a_label_when_nobody_reads(temporal: Client) -> None:
    async with returning(temporal):
        assert await outcome(temporal, "p1", 0.1) is None


def test_the_queue_of_labels_is_apart() -> None:
    assert OCR_QUEUE == "ocr" != ORDERS_QUEUE
