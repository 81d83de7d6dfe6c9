"""I-10: two shirts were missing; the complaint became a form elsewhere, and nobody knew until he called again.

Here the complaint is typed in and an exception stands on the order; the warehouse has its reshipment and its task at
once; nobody closes it, and the ladder is climbed: the supervisor's robot, then the mail marked 影响NPS风险, at the
simulated services, in compressed time. (EXC-1, EXC-2, EXC-3)

Take `await exception_routes.follow(...)` out of store/exceptions.py and nothing is routed; take the line
`await messaging.say_to_role(...)` out of store/process_ladder.py and nobody hears of it: this test fails both times.
"""

from collections.abc import Callable
from typing import Any

from temporalio.client import Client
from temporalio.testing import ActivityEnvironment

from activities.drain import DrainActivities
from activities.exceptions import ExceptionActivities
from clients.clock import utc_now
from domain.exceptions import (
    Compensation,
    ExceptionChoice,
    ExceptionDecision,
    ExceptionKind,
    ExceptionLine,
    NewException,
    Responsible,
)
from domain.messages import MESSAGE
from domain.outgoing import Queue
from domain.tickets import NewTicket, TicketKind, TicketSource
from store import exceptions, settings_docs, tickets
from store.database import Database
from store.keyring import KeyRing
from store.order_intake import Booking
from store.process_ladder import EXCEPTIONS, TICKETS, SqlLadder
from store.settings_versions import Change, SettingVersions
from tests.journeys.test_messages import Outside, connect, drain_of, outside
from tests.workflows import service
from tests.workflows.house import LOOPS, House, eventually, order, shipment, track
from workers.processes import wake_some
from workers.wiring import steps_of
from workflows.exceptions import ExceptionWorkflow, TicketWorkflow

KEY = "own:s:I10"
WAYS = {
    "warehouse_lead": [{"account": "dingtalk/duty"}],
    "service_supervisor": [{"account": "wecom/duty", "mobiles": ["13800138000"]}],
    "ceo": [{"account": "smtp/duty", "mails": ["ceo@shop.example"]}],
}


class Service(House):
    """A house that also runs exceptions and tickets."""

    def more_workflows(self) -> list[type]:
        return [ExceptionWorkflow, TicketWorkflow]

    def more_steps(self) -> list[Callable[..., Any]]:
        ladders = SqlLadder(self.database, EXCEPTIONS), SqlLadder(self.database, TICKETS)
        return steps_of(ExceptionActivities(*ladders))


async def test_two_shirts_short_are_routed_at_once_and_nobody_is_left_in_the_dark(
    temporal: Client, database: Database, ring: KeyRing
) -> None:
    house = Service(temporal, database, ring)
    async with outside() as there, house.open():
        await connect(database, ring, there)
        await compress(database)
        await house.tell(order("I10"))
        await house.until(KEY, logistics_status="pushed")
        await house.tell(shipment("I10"), track())
        no = await complain(house)
        await house.settle()
        await eventually(lambda: reshipped(house, no), lambda: house.query("SELECT key, status FROM orders"))
        assert await wake_some(temporal, database, utc_now(), 30) == 2
        await eventually(lambda: rung(house, 2), lambda: house.query("SELECT * FROM order_exception"))
        drains = drain_of(database, ring, there)
        await eventually(lambda: said(house, drains), lambda: house.query("SELECT vendor, state FROM message"))
        heard = {one["service"]: one for one in (await books(there))["messages"]}
        assert f"补发任务 {no}" in heard["dingtalk"]["text"]
        assert "TEE x 2" in heard["dingtalk"]["text"]
        assert f"异常单 {no} 超时" in heard["wecom"]["text"]
        assert "影响NPS风险" in heard["smtp"]["text"]
        assert heard["smtp"]["to"] == ["ceo@shop.example"]
        await close(house, no)
        assert await wake_some(temporal, database, utc_now(), 30) == 1
        assert await temporal.get_workflow_handle(f"exception:{no}").result() == "closed"
    seen = await house.query(f"SELECT action FROM audit WHERE subject = '{KEY}' AND action LIKE 'order.%'")  # noqa: S608
    assert {"order.ticket", "order.exception_opened", "order.exception_moved"} <= {row.action for row in seen}


async def complain(house: House) -> str:
    """Type in what the customer said on the phone, and open the exception; gives its number."""
    booking = Booking(house.ring, house.timing, utc_now())
    async with house.database.transaction() as tx:
        new = NewTicket(TicketKind.COMPLAINT, TicketSource.PHONE, "少了两件短袖", "call-1", "alice", KEY)
        ticket = await tickets.open_ticket(tx, booking, new)
    short = NewException(
        KEY, ExceptionKind.SHORT, Responsible.WAREHOUSE, Compensation.RESHIP,
        (ExceptionLine("1", "TEE", 2),), "form-1", "alice", ticket_no=ticket,
    )  # fmt: skip
    async with house.database.transaction() as tx:
        return await exceptions.open_exception(tx, booking, short)


async def close(house: House, no: str) -> None:
    decision = ExceptionDecision(ExceptionChoice.CLOSE, "bob", "补发已签收")
    async with house.database.transaction() as tx:
        answer = await exceptions.decide(tx, Booking(house.ring, house.timing, utc_now()), no, decision, "close-1")
    assert answer.taken, answer.words


async def reshipped(house: House, no: str) -> bool:
    """Say whether the warehouse has the order with the two shirts."""
    return any(one.startswith(f"I10-{no}") for one in house.warehouse.creates)


async def rung(house: House, wanted: int) -> bool:
    return [row.escalated for row in await house.query("SELECT escalated FROM order_exception")] == [wanted]


async def said(house: House, drains: DrainActivities) -> bool:
    """Let the robots and the mail go out; say whether all are gone."""
    for vendor in ("wecom", "dingtalk", "smtp"):
        await ActivityEnvironment().run(drains.drain, Queue(MESSAGE, vendor, "duty"), LOOPS, 1)
    return not await house.query("SELECT id FROM outgoing WHERE state = 'new' AND kind = 'message'")


async def books(there: Outside) -> dict[str, Any]:
    return await there.books()


async def compress(database: Database) -> None:
    """Tell each role through one service, and let two hours and a day be fractions of a second."""
    versions = SettingVersions(database)
    active = await versions.one("messages")
    body = settings_docs.filled("messages", active.body)
    body["recipients"] |= WAYS
    await versions.activate("messages", body, Change("test", "one way each", utc_now(), active.version))
    await service.compress(database, "exception", "open", 0.6, 1.2)
