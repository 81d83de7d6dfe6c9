"""A house that also carries exceptions, tickets and readings of labels: their workers, their numbers, short ladders."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from itertools import count
from typing import Any

from temporalio.worker import Worker

from activities.exceptions import ExceptionActivities
from activities.labels import ReadingActivities
from clients.clock import utc_now
from domain.after_sales import Answer
from domain.exceptions import (
    Compensation,
    ExceptionChoice,
    ExceptionDecision,
    ExceptionKind,
    ExceptionLine,
    NewException,
    Responsible,
)
from domain.labels import Candidate, LabelReading, Source
from domain.photos import Photo
from domain.tickets import NewTicket, TicketChoice, TicketDecision, TicketKind, TicketSource
from store import case_photos, exceptions, numbers, settings_docs, tickets
from store.case_photos import PhotoKind, SqlCasePhotos
from store.database import Database
from store.order_intake import Booking
from store.process_ladder import EXCEPTIONS, TICKETS, SqlLadder
from store.settings_versions import Change, SettingVersions
from tests.workflows.cases import CaseHouse
from tests.workflows.house import LINES, eventually, order
from workers.ocr import labels_worker
from workers.processes import wake_some
from workers.wiring import steps_of
from workflows.exceptions import ExceptionWorkflow, TicketWorkflow
from workflows.labels import LabelWorkflow

NUMBERS = count(1)
LEASE = 30.0
WAYBILL = "SF1234567890123"
READ = LabelReading((Candidate("SF", WAYBILL, Source.BARCODE, 0.99),))


class Reader:
    """A reader of labels that sees the same number on every photo."""

    async def read(self, photo: bytes) -> LabelReading:
        """Give it."""
        return READ


@dataclass
class ServiceHouse(CaseHouse):
    """A house with exceptions, tickets and labels; `wake` tells their workflows and starts nothing else."""

    def more_workflows(self) -> list[type]:
        """Exceptions, tickets and labels live beside cases."""
        return [*super().more_workflows(), ExceptionWorkflow, TicketWorkflow, LabelWorkflow]

    def more_steps(self) -> list[Callable[..., Any]]:
        """Put the fault wrapper around their ports, too."""
        ladders = (self.wrapped(SqlLadder(self.database, one)) for one in (EXCEPTIONS, TICKETS))
        readings = self.wrapped(SqlCasePhotos(self.database, self.ring))
        steps = steps_of(ExceptionActivities(*ladders)) + steps_of(ReadingActivities(readings))
        return super().more_steps() + steps

    def readers(self) -> AbstractAsyncContextManager[Worker]:
        """Build the worker that reads labels."""
        photos = self.wrapped(SqlCasePhotos(self.database, self.ring))
        return labels_worker(self.client, photos, self.wrapped(Reader()))

    async def furnish(self) -> None:
        """Let numbers and photos of tests on one server not repeat."""
        await super().furnish()
        start = next(NUMBERS) * 100
        async with self.database.transaction() as tx:
            for series in (numbers.EXCEPTION, numbers.TICKET):
                await numbers.draw(tx, series, utc_now())
            await tx.exec_driver_sql(f"UPDATE number_series SET last = {start} WHERE series IN ('E', 'T')")  # noqa: S608
            await tx.exec_driver_sql(f"SELECT setval(pg_get_serial_sequence('case_photo', 'id'), {start})")

    async def wake(self) -> None:
        """Tell every process what waits for it."""
        while await wake_some(self.client, self.database, utc_now(), LEASE):
            pass

    async def complain(self, no: str) -> str:
        """Open an exception of a paid order: two units are short and are sent again. It starts at the next `wake`."""
        await self.say(order(no))
        await self.apply()
        units = (ExceptionLine("1", LINES[0].sku, 2),)
        new = NewException(
            f"own:s:{no}", ExceptionKind.SHORT, Responsible.WAREHOUSE, Compensation.RESHIP, units, f"e-{no}", "alice"
        )
        async with self.database.transaction() as tx:
            return await exceptions.open_exception(tx, self._booking(), new)

    async def close_exception(self, no: str) -> Answer:
        """Close it."""
        decision = ExceptionDecision(ExceptionChoice.CLOSE, "bob", "补发已签收")
        async with self.database.transaction() as tx:
            answer = await exceptions.decide(tx, self._booking(), no, decision, f"close-{no}")
        await self.wake()
        return answer

    async def remind(self, request_key: str) -> str:
        """Open a ticket that belongs to no order yet. It starts at the next `wake`."""
        new = NewTicket(TicketKind.REMINDER, TicketSource.WECHAT, "什么时候发货", request_key, "alice", "")
        async with self.database.transaction() as tx:
            return await tickets.open_ticket(tx, self._booking(), new)

    async def about_ticket(self, no: str, choice: TicketChoice, words: str = "") -> Answer:
        """Do one thing with a ticket."""
        decision = TicketDecision(choice, "bob", words)
        async with self.database.transaction() as tx:
            answer = await tickets.decide(tx, self._booking(), no, decision, f"{choice.value}-{no}")
        await self.wake()
        return answer

    async def returning_with_label(self, no: str) -> tuple[str, int]:
        """Open a return and keep a photo of its label; gives the case and the photo."""
        case = await self.returning(no)
        photo = Photo("image/jpeg", 8, 8, b"jpeg", f"sha-{no}")
        async with self.database.transaction() as tx:
            about = (case, PhotoKind.LABEL, "buyer")
            photo_id = await case_photos.save(tx, self.ring, about, photo, utc_now())
        await self.wake()
        return case, photo_id

    async def heard(self, subject: str) -> list[tuple[str, str]]:
        """List what was said of a process and to whom, in order."""
        one_each = f"SELECT min(id) FROM message WHERE subject = '{subject}' GROUP BY said"  # noqa: S608
        found = await self.query(f"SELECT kind, roles FROM message WHERE id IN ({one_each}) ORDER BY id")  # noqa: S608
        return [(one.kind, one.roles) for one in found]

    async def heard_so_often(self, subject: str, times: int) -> None:
        """Wait until so much was said of a process."""

        async def there() -> bool:
            return len(await self.heard(subject)) >= times

        await eventually(there, lambda: self.heard(subject))

    def _booking(self) -> Booking:
        return Booking(self.ring, self.timing, utc_now())


async def compress(database: Database, process: str, step: str, *seconds: float) -> None:
    """Let the rungs of a step come after these seconds, without an early warning."""
    versions = SettingVersions(database)
    active = await versions.one("sla")
    body = settings_docs.filled("sla", active.body)
    for row in body["rows"]:
        if (row["process"], row["step"]) == (process, step):
            row |= {"warn_seconds": None, "warn_role": None}
            for rung, after in zip(row["rungs"], seconds, strict=True):
                rung["after_seconds"] = {"live": after, "demo": after}
    await versions.activate("sla", body, Change("test", "compressed", utc_now(), active.version))
