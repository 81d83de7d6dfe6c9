"""The process that reads labels: `python -m workers.ocr` (AFT-4). Apart, so that no order waits for a slow photo.

Owns start, the one thread that reads, and a clean stop. What it needs 300 MB for is loaded at the first label without a
usable bar code.
"""

import asyncio
import os
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import structlog
import uvloop
from temporalio.client import Client
from temporalio.worker import PollerBehaviorSimpleMaximum, Worker

from activities.labels import LabelActivities
from activities.ports_labels import LabelReader, Photos
from clients.logs import set_up_logs
from clients.temporal import OCR_QUEUE, connect
from connectors.files.label import PrintReader, read_label
from connectors.files.label_print import print_reader
from domain.errors import OmsError, Unavailable
from domain.labels import LabelReading
from store.case_photos import SqlCasePhotos
from store.database import Database
from store.keyring import load_keyring
from store.settings import store_settings
from workers.health import serve
from workers.settings import OcrSettings
from workers.wiring import steps_of

log = structlog.get_logger("ocr")
DATABASE_POOL = 1
AT_ONCE = 1
"""Reading takes a whole core. What waits stays in the queue, where another process can take it and it is counted."""
NO_PRINT = "only bar codes are read: the reading of print is not installed (make setup-ocr)"


class ThreadedReader:
    """Reads labels in a thread of its own. Implements activities/ports_labels.py: LabelReader."""

    def __init__(self, read_print: PrintReader | None) -> None:
        self._read = partial(read_label, read_print=read_print)
        self._pool = ThreadPoolExecutor(AT_ONCE, "label")

    async def read(self, photo: bytes) -> LabelReading:
        """Read a label; BadInput when it is no photo."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._read, photo)


def labels_worker(client: Client, photos: Photos, reader: LabelReader) -> Worker:
    """Build the worker of the queue of labels: one activity, no workflow."""
    return Worker(
        client,
        task_queue=OCR_QUEUE,
        activities=steps_of(LabelActivities(photos, reader)),
        max_concurrent_activities=AT_ONCE,
        activity_task_poller_behavior=PollerBehaviorSimpleMaximum(AT_ONCE),
    )


async def main() -> None:
    """Connect and read until SIGTERM or SIGINT; a label that is half read then is read again elsewhere."""
    stop = asyncio.Event()
    for word in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(word, stop.set)
    where = store_settings()
    database = Database(where.database_url, DATABASE_POOL)
    photos = SqlCasePhotos(database, load_keyring(where.keyring))
    read_print = print_reader()
    if read_print is None:
        log.warning(NO_PRINT)
    client = await _patiently(stop)
    if client is None:
        return
    health = await serve(
        OcrSettings().health_address, {"/readyz": lambda: (200, "ready\n" if read_print else NO_PRINT)}
    )
    async with labels_worker(client, photos, ThreadedReader(read_print)):
        log.info("labels are read", pid=os.getpid(), print=read_print is not None)
        await stop.wait()
    if health is not None:
        health.close()
    await database.close()


async def _patiently(stop: asyncio.Event) -> Client | None:
    """Connect to Temporal; wait for it as long as it takes, or until the stop."""
    while not stop.is_set():
        try:
            return await connect()
        except Unavailable as error:
            log.warning("waiting for Temporal", reason=error.reason)
            await asyncio.sleep(1)
    return None


def run() -> None:
    """Run the process; exit at once afterwards, for the SDK may abort in a normal interpreter exit."""
    set_up_logs()
    code = 0
    try:
        uvloop.run(main())
    except OmsError as error:
        log.error("labels cannot be read", reason=str(error))
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    run()
