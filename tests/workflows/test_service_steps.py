"""Every step of an exception, a ticket and a label fails once, fails long, loses its answer, and runs twice (EXC-3, 4).

Whatever goes wrong, each rung is said once, the process ends in its last state, and a label's number is booked once.
"""

from collections import Counter
from dataclasses import replace

import pytest
from temporalio.client import Client

from domain.tickets import TicketChoice
from store.database import Database
from store.keyring import KeyRing
from tests.faults import FaultOfEach, Faults, When
from tests.workflows.house import eventually
from tests.workflows.service import WAYBILL, ServiceHouse, compress

FAULTS = ((When.BEFORE, 1), (When.BEFORE, 3), (When.AFTER, 1), (When.AFTER, 3), (When.TWICE, 1))


PLANTED = {f"{step}-{when}-{times}": Faults(step, when, times) for step in ("look", "climb") for when, times in FAULTS}
"""A fault for each process of a house: all of them are on their way at once."""


async def test_a_step_of_an_exception_goes_wrong_and_everybody_is_told_once(
    temporal: Client, database: Database, ring: KeyRing
) -> None:
    house = ServiceHouse(temporal, database, ring, faults=(faults := FaultOfEach()))
    async with house.open():
        await house.set_stock("TEE", 10 * len(PLANTED))
        await compress(database, "exception", "open", 0.1, 0.2)
        for name, fault in PLANTED.items():
            faults.of[await house.complain(f"EX-{name}")] = replace(fault)
        await house.wake()
        for no in faults.of:
            await house.heard_so_often(no, 3)
            assert (await house.close_exception(no)).taken
            assert await temporal.get_workflow_handle(f"exception:{no}").result() == "closed"
    faults.assert_struck()
    first = [("exception.reship", "warehouse_lead"), ("exception.overdue", "service_supervisor")]
    for no in faults.of:
        assert await house.heard(no) == [*first, ("exception.overdue", "ceo")]
    climbed = await house.query("SELECT subject FROM audit WHERE action = 'exception.overdue'")
    assert Counter(one.subject for one in climbed) == dict.fromkeys(faults.of, 2)
    assert not await house.query("SELECT 1 FROM alert WHERE kind = 'exception_overdue' AND cleared_at IS NULL")
    again = await house.query("SELECT 1 FROM orders WHERE case_no <> ''")
    assert len(again) == len(faults.of), "each is sent again once"


async def test_a_step_of_a_ticket_goes_wrong_and_the_supervisor_is_told_once(
    temporal: Client, database: Database, ring: KeyRing
) -> None:
    house = ServiceHouse(temporal, database, ring, faults=(faults := FaultOfEach()))
    async with house.open():
        await compress(database, "ticket", "first_answer", 0.1)
        for name, fault in PLANTED.items():
            faults.of[await house.remind(f"TI-{name}")] = replace(fault)
        await house.wake()
        for no in faults.of:
            await house.heard_so_often(no, 1)
            assert (await house.about_ticket(no, TicketChoice.ANSWER, "明天发出")).taken
            assert (await house.about_ticket(no, TicketChoice.CLOSE)).taken
            assert await temporal.get_workflow_handle(f"ticket:{no}").result() == "closed"
    faults.assert_struck()
    for no in faults.of:
        assert await house.heard(no) == [("ticket.overdue", "service_supervisor")]
    climbed = await house.query("SELECT subject FROM audit WHERE action = 'ticket.overdue'")
    assert Counter(one.subject for one in climbed) == dict.fromkeys(faults.of, 1)
    assert not await house.query("SELECT 1 FROM alert WHERE kind = 'ticket_overdue' AND cleared_at IS NULL")


@pytest.mark.parametrize(
    ("step", "when", "times"),
    [
        *(("keep", when, times) for when, times in FAULTS),
        *((step, when, 1) for step in ("load", "read") for when in When),
    ],
)
async def test_a_step_of_a_label_goes_wrong_and_its_number_is_booked_once(
    temporal: Client, database: Database, ring: KeyRing, step: str, when: When, times: int
) -> None:
    """AFT-4: the number on the label becomes the case's waybill, whatever fails on the way."""
    house = ServiceHouse(temporal, database, ring, faults=Faults(step, when, times))
    async with house.open(), house.readers():
        case, photo = await house.returning_with_label(f"LA-{step}-{when}-{times}")
        assert await temporal.get_workflow_handle(f"label:{photo}").result()
        await house.case_until(case, state="in_transit")
    assert house.faults.struck == times, f"the planted fault in {step} never struck"
    assert (await house.case(case)).waybill_no == WAYBILL
    (kept,) = await house.query("SELECT reading, read_waybill_no FROM case_photo")
    assert tuple(kept) == ("read", WAYBILL)
    assert len(await house.query("SELECT 1 FROM audit WHERE action = 'case.label'")) == 1


async def test_a_reader_that_never_answers_leaves_the_label_to_a_person(
    temporal: Client, database: Database, ring: KeyRing
) -> None:
    """AFT-4: three tries, then a person types the number; the case waits and loses nothing."""
    house = ServiceHouse(temporal, database, ring, faults=Faults("read", When.BEFORE, 3))
    async with house.open(), house.readers():
        case, photo = await house.returning_with_label("LP")
        assert not await temporal.get_workflow_handle(f"label:{photo}").result()

        async def noted() -> bool:
            return [row.reading for row in await house.query("SELECT reading FROM case_photo")] == ["unread"]

        await eventually(noted, lambda: house.query("SELECT reading FROM case_photo"))
    assert (await house.case(case)).state == "returning"
