"""Records histories of the stories of orders: `python -m tests.replay.record [STORY ...]`. Ids only, nobody's data.

Each history stands beside the fingerprint of its commands; both change only in a commit that says why (design:
time in tests).
"""

import asyncio
import sys
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import Client, WorkflowHistory

from clients.clock import utc_now
from clients.embedded import EmbeddedPostgres, EmbeddedTemporal, Ports
from clients.temporal import NAMESPACE, decide
from domain.after_sales import CaseKind, CaseLine, NewCase, Origin
from domain.observations import ChannelStatus
from domain.orders import workflow_id
from store import cases, migrations, presale_news, presale_supply, settings_docs, waiting
from store.breakers import By
from store.case_steps import SqlCaseFacts
from store.database import Database
from store.keyring import create_keyring
from store.presale_supply import NewSupply
from store.unstocking import release_all
from tests.workflows.house import LINES, QUICK, House, eventually, order, shipment, track
from workflows.decisions import Choice, Decision

HISTORIES = Path(__file__).with_name("histories")
PERSONAL = ("欧阳修文", "13800138000", "科技园", "\\u6b27\\u9633", "\\u79d1\\u6280\\u56ed")
COMMANDS = {
    EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED,
    EventType.EVENT_TYPE_ACTIVITY_TASK_CANCEL_REQUESTED,
    EventType.EVENT_TYPE_TIMER_STARTED,
    EventType.EVENT_TYPE_TIMER_CANCELED,
    EventType.EVENT_TYPE_MARKER_RECORDED,
    EventType.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES,
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED,
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_COMPLETED,
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED,
}


def fingerprint(history: WorkflowHistory) -> str:
    """List the commands of a history, one a line."""
    return "".join(f"{_command(event)}\n" for event in history.events if event.event_type in COMMANDS)


def _command(event: HistoryEvent) -> str:
    name = EventType.Name(event.event_type).removeprefix("EVENT_TYPE_").lower()
    activity = event.activity_task_scheduled_event_attributes.activity_type.name
    return f"{name} {activity}".strip()


async def to_the_door(house: House, no: str) -> None:
    key = f"own:s:{no}"
    await house.until(key, logistics_status="pushed")
    await house.tell(shipment(no, no))
    await house.until(key, status="shipped")
    await house.tell(track(no))
    await house.ended(key)


async def paid(house: House, no: str) -> None:
    await house.tell(order(no))
    await to_the_door(house, no)


async def unpaid_first(house: House, no: str) -> None:
    await house.tell(order(no, ChannelStatus.UNPAID))
    await house.until(f"own:s:{no}", wait_for="payment")
    await house.tell(order(no, ChannelStatus.PAID, minute=1))
    await to_the_door(house, no)


async def expired(house: House, no: str) -> None:
    house.timing = replace(QUICK, unpaid_lock_seconds=0.5, late_payment_seconds=0.5)
    await house.tell(order(no, ChannelStatus.UNPAID))
    await house.ended(f"own:s:{no}")


async def cancelled_before_push(house: House, no: str) -> None:
    key = f"own:s:{no}"
    await house.tell(order(no, ChannelStatus.UNPAID))
    await house.until(key, wait_for="payment")
    await decide(house.client, key, Decision(Choice.HOLD, "agent-7", "change of address"), f"h-{no}")
    await house.tell(order(no, ChannelStatus.PAID, minute=1))
    await house.until(key, logistics_status="allocated")
    await house.tell(order(no, ChannelStatus.REFUNDED, minute=2))
    await house.ended(key)


async def cancelled_after_push(house: House, no: str) -> None:
    key = f"own:s:{no}"
    await house.tell(order(no))
    await house.until(key, logistics_status="pushed")
    await decide(house.client, key, Decision(Choice.CANCEL, "agent-7"), f"c-{no}")
    await house.ended(key)


async def out_of_stock_then_retried(house: House, no: str) -> None:
    key = f"own:s:{no}"
    await house.set_stock("TEE", 1)
    await house.tell(order(no))
    await house.until(key, stuck=True)
    await house.set_stock("TEE", 10)
    await decide(house.client, key, Decision(Choice.RETRY, "agent-7"), f"r-{no}")
    await to_the_door(house, no)


async def woken_by_new_stock(house: House, no: str) -> None:
    key = f"own:s:{no}"
    await house.set_stock("TEE", 1)
    await house.tell(order(no))
    await house.until(key, wait_for="stock")
    await house.set_stock("TEE", 10)
    await waiting.wake(house.database, utc_now())
    await house.settle()
    await to_the_door(house, no)


async def unstocked_then_retried(house: House, no: str) -> None:
    key = f"own:s:{no}"
    await house.tell(order(no))
    await house.until(key, logistics_status="pushed")
    await release_all(house.database, [no], By("agent-7", utc_now(), "refunded by phone"), force=True)
    await house.settle()
    await house.until(key, stuck=True)
    await decide(house.client, key, Decision(Choice.RETRY, "agent-7"), f"u-{no}")
    await house.until(key, logistics_status="pushed")
    await house.tell(replace(shipment(no, no), fulfillment_no=f"{no}-2"))
    await house.until(key, status="shipped")
    await house.tell(track(no))
    await house.ended(key)


async def reduced_then_shipped(house: House, no: str) -> None:
    key = f"own:s:{no}"
    await house.tell(order(no))
    await house.until(key, logistics_status="pushed")
    new = NewCase(key, CaseKind.REFUND, Origin.AGENT, f"r-{no}", (CaseLine("1", "TEE", 1),), "changed_mind")
    async with house.database.transaction() as tx:
        case = await cases.open_case(tx, house.ring, new, utc_now())
    await SqlCaseFacts(house.database, house.ring).advance(case, utc_now())
    await house.settle()

    async def sent() -> bool:
        return f"{no}-2" in house.warehouse.creates

    await eventually(sent, house.nothing)
    await house.tell(replace(shipment(no, no, TEE=1, CAP=1), fulfillment_no=f"{no}-2"))
    await house.until(key, status="shipped")
    await house.tell(track(no))
    await house.ended(key)


async def held_by_its_channel(house: House, no: str) -> None:
    key = f"own:s:{no}"
    await house.tell(order(no, may_ship=False))
    await house.until(key, wait_for="channel")
    await house.tell(order(no, minute=1))
    await to_the_door(house, no)


async def presale_with_a_deposit(house: House, no: str) -> None:
    key, coat = f"own:s:{no}", replace(LINES[0], sku="COAT", presale=True)
    async with house.database.transaction() as tx:
        due = utc_now() + timedelta(days=10)
        await presale_supply.add(tx, NewSupply("PO1", "COAT", 9, due, title="coat"), utc_now(), "alice")
    lines = (coat, LINES[1])
    until = utc_now() + timedelta(days=1)
    deposit = order(no, ChannelStatus.DEPOSIT, lines=lines, paid_at=None, paid_minor=100)
    await house.tell(replace(deposit, deposit_at=deposit.placed_at, balance_until=until))
    await house.until(key, wait_for="balance")
    await house.tell(order(no, minute=1, lines=lines))
    await house.until(key, wait_for="presale")
    async with house.database.transaction() as tx:
        await presale_supply.arrive(tx, "PO1", "GZ01", None, (utc_now(), "alice"))
    await presale_news.tell(house.database, utc_now())
    await house.settle()
    await house.until(key, logistics_status="pushed")
    await house.tell(shipment(no, no, COAT=2, CAP=1))
    await house.until(key, status="shipped")
    await house.tell(track(no))
    await house.ended(key)


STORIES: tuple[Callable[[House, str], Awaitable[None]], ...] = (
    paid,
    unpaid_first,
    expired,
    cancelled_before_push,
    cancelled_after_push,
    out_of_stock_then_retried,
    woken_by_new_stock,
    unstocked_then_retried,
    reduced_then_shipped,
    held_by_its_channel,
    presale_with_a_deposit,
)


async def record(folder: Path, house: House, only: Sequence[str] = ()) -> None:
    """Live every story once, or some by name; write histories and fingerprints, never personal data."""
    async with house.open():
        for story in STORIES:
            if only and story.__name__ not in only:
                continue
            house.timing = QUICK
            await story(house, f"R-{story.__name__}")
            handle = house.client.get_workflow_handle(workflow_id(f"own:s:R-{story.__name__}"))
            history = await handle.fetch_history()
            words = history.to_json()
            if any(secret in words for secret in PERSONAL):
                raise AssertionError(f"the history of {story.__name__} names a person")
            (folder / f"{story.__name__}.json").write_text(words + "\n")
            (folder / f"{story.__name__}.commands").write_text(fingerprint(history))


async def main() -> None:
    """Start both servers in a folder of their own, record, stop them."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        postgres, temporal = EmbeddedPostgres(folder, Ports(folder), False), EmbeddedTemporal(folder, Ports(folder))
        database = Database(postgres.start())
        try:
            client = await Client.connect(temporal.start(), namespace=NAMESPACE)
            await migrations.upgrade(database)
            async with database.transaction() as tx:
                await settings_docs.seed(tx, utc_now())
            house = House(client, database, create_keyring(folder / "keyring.json"))
            await record(HISTORIES, house, sys.argv[1:])
        finally:
            await database.close()
            temporal.stop()
            postgres.stop()


if __name__ == "__main__":
    asyncio.run(main())
