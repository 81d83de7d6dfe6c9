"""Every method of every role goes through its account's bulkhead, and a drain obeys what the bulkhead says."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities import guarded, heartbeats, ports, ports_mail, ports_messages, ports_returns, red_letters
from activities.bulkhead import Bulkhead, Limits
from activities.drain import DrainActivities
from activities.failures import effect_failures
from activities.guarded import (
    GuardedChannel,
    GuardedClerk,
    GuardedCourier,
    GuardedMailbox,
    GuardedPayments,
    GuardedReturns,
    GuardedSender,
    GuardedWarehouse,
)
from domain.errors import RateLimited, Unavailable
from domain.observations import (
    CaseObserved,
    OrderObserved,
    ParcelTracked,
    PaymentObserved,
    RefundObserved,
    ShipmentConfirmed,
)
from domain.outgoing import Call, Queue
from domain.payments import RefundAsk
from domain.stock_push import Level
from tests.conftest import NOON
from tests.workflows.house import LOOPS

ROLES = [
    (ports.Warehouse, GuardedWarehouse),
    (ports.Courier, GuardedCourier),
    (ports.SalesChannel, GuardedChannel),
    (ports.PaymentProvider, GuardedPayments),
    (ports_messages.MessageSender, GuardedSender),
    (ports_returns.ReturnsDesk, GuardedReturns),
    (red_letters.InvoiceClerk, GuardedClerk),
    (ports_mail.Mailbox, GuardedMailbox),
]
BUILDERS = (
    ports.Vendors,
    ports_messages.Messengers,
    ports_returns.ReturnDesks,
    red_letters.Clerks,
    ports_mail.MailVendors,
)


def methods(of: type) -> list[str]:
    return [name for name in vars(of) if not name.startswith("_")]


class Anybody:
    """Takes any call and says which it was."""

    def __getattr__(self, name: str) -> Any:
        async def call(*arguments: Any) -> tuple[Any, ...]:
            return (name, *arguments)

        return call


class Thing:
    """Has every attribute, as text, and is all that is in it."""

    def __getattr__(self, name: str) -> str:
        return name

    def __getitem__(self, place: int) -> "Thing":
        return self


def closed_bulkhead() -> Bulkhead:
    """One that lets nothing pass."""
    return Bulkhead("v/c", lambda: NOON, Limits(60, in_flight=0))


@pytest.mark.parametrize(("port", "wrapper"), ROLES)
async def test_no_method_of_a_port_goes_around_the_bulkhead(port: type, wrapper: Any) -> None:
    shut = wrapper(Anybody(), closed_bulkhead())
    assert methods(port) == methods(wrapper)
    for name in methods(port):
        arguments = [Thing()] * (getattr(port, name).__code__.co_argcount - 1)
        with pytest.raises(Unavailable, match="under way"):
            await getattr(shut, name)(*arguments)


@pytest.mark.parametrize(("port", "wrapper"), ROLES)
async def test_arguments_reach_the_connector_in_their_order(port: type, wrapper: Any) -> None:
    bulkhead = Bulkhead("v/c", lambda: NOON, Limits(60))
    asked: list[tuple[Any, ...]] = []

    class Noting(Anybody):
        def __getattr__(self, name: str) -> Any:
            async def call(*arguments: Any) -> str:
                asked.append((name, *arguments))
                return "answer"

            return call

    for name in methods(port):
        arguments = [Thing() for _ in range(getattr(port, name).__code__.co_argcount - 1)]
        await getattr(wrapper(Noting(), bulkhead), name)(*arguments)
        assert asked.pop() == (name, *arguments)


def test_every_role_has_its_guard() -> None:
    wrappers = {name for name in vars(guarded) if name.startswith("Guarded")}
    assert wrappers == {wrapper.__name__ for _, wrapper in ROLES}
    assert sum(len(methods(one)) for one in BUILDERS) == len(ROLES)


async def test_the_engine_hears_when_to_try_an_effect_again() -> None:
    with pytest.raises(ApplicationError) as caught, effect_failures():
        await closed_bulkhead().run("c", lambda: Anybody().create())
    delay = caught.value.next_retry_delay
    assert delay is not None
    assert timedelta(seconds=48) <= delay <= timedelta(seconds=72)
    assert not caught.value.non_retryable


@dataclass
class Rows:
    """A queue with one call in it, of either kind; notes when it is wanted again."""

    again_at: list[datetime] = field(default_factory=list)
    given: bool = False

    def _once(self) -> list[Call]:
        self.given, first = True, not self.given
        payload = {"carrier": "SF", "waybill_no": "SF1", "ref": "O1", "no": "O1", "about": "order"}
        return [Call(1, "subscribe:SF:SF1", "own:s:O1", payload, 1, NOON)] if first else []

    async def claim(self, queue: Queue, now: datetime, most: int, lease_seconds: float) -> list[Call]:
        return self._once()

    async def phone_tail(self, order_key: str) -> str:
        return ""

    async def done(self, queue: Queue, call: Call, now: datetime) -> None:
        raise AssertionError("no call was made")

    async def refused(self, queue: Queue, call: Call, reason: str, now: datetime) -> None:
        raise AssertionError("a shut bulkhead is no refusal")


class Calls(Rows):
    """The rows as the queue of outgoing calls."""

    async def again(self, call: Call, next_at: datetime, reason: str) -> None:
        self.again_at.append(next_at)

    async def refund(self, call: Call, now: datetime) -> RefundAsk | None:
        return RefundAsk("R-1", "T1", "4200", 100, 100, "CNY", asked_before=False)

    async def answered(
        self, queue: Queue, seen: PaymentObserved | RefundObserved | CaseObserved, raw: bytes, now: datetime
    ) -> None:
        raise AssertionError("no call was made")


class Parcels(Rows):
    """The rows as parcels to ask about."""

    async def due(self, vendor: str, shop: str, now: datetime, most: int) -> list[Call]:
        return self._once()

    async def again(self, call: Call, next_at: datetime) -> None:
        self.again_at.append(next_at)

    async def heard(self, vendor: str, shop: str, seen: ParcelTracked, raw: bytes, now: datetime) -> None:
        raise AssertionError("no call was made")

    async def unshipped(self, vendor: str, shop: str, now: datetime, most: int) -> list[Call]:
        return self._once()

    async def confirmed(self, vendor: str, shop: str, seen: ShipmentConfirmed, raw: bytes, now: datetime) -> None:
        raise AssertionError("no call was made")


class Hinted(Calls):
    """The rows as orders to read again."""

    async def due(self, queue: Queue, now: datetime, most: int, lease_seconds: float) -> list[Call]:
        return self._once()

    async def heard(
        self, queue: Queue, call: Call, seen: OrderObserved | CaseObserved, raw: bytes, now: datetime
    ) -> None:
        raise AssertionError("no call was made")


class ShutCouriers:
    """Vendors of whom only a courier is asked, behind a bulkhead that lets nothing pass."""

    async def warehouse(self, vendor: str, code: str) -> ports.Warehouse:
        raise AssertionError

    async def courier(self, vendor: str, code: str) -> ports.Courier:
        return GuardedCourier(Anybody(), closed_bulkhead())

    async def channel(self, vendor: str, code: str) -> ports.SalesChannel:
        return GuardedChannel(Anybody(), closed_bulkhead())

    async def payment_provider(self, vendor: str, code: str) -> ports.PaymentProvider:
        return GuardedPayments(Anybody(), closed_bulkhead())


@pytest.mark.parametrize("kind", ["subscribe", "track", "reread", "refund", "payment"])
async def test_a_drain_comes_back_when_the_bulkhead_says_so(kind: str) -> None:
    calls, parcels, hinted = Calls(), Parcels(), Hinted()
    drains = DrainActivities(calls, parcels, hinted, ShutCouriers(), lambda: NOON)
    await ActivityEnvironment().run(drains.drain, Queue(kind, "kdniao", "c"), LOOPS, 2)
    (again_at,) = calls.again_at + parcels.again_at + hinted.again_at
    assert timedelta(seconds=48) <= again_at - NOON <= timedelta(seconds=72)


class Hanging(ShutCouriers):
    """A courier who does not answer before the drain has shown three times that it lives."""

    def __init__(self) -> None:
        self.signs = 0
        self._enough = asyncio.Event()

    def sign(self, *_details: object) -> None:
        self.signs += 1
        if self.signs >= 4:  # the first one is that of the round
            self._enough.set()

    async def courier(self, vendor: str, code: str) -> ports.Courier:
        await self._enough.wait()
        raise Unavailable("time is up")


async def test_a_drain_gives_signs_of_life_while_a_stranger_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    """INT-4: else it is taken for dead and started a second time beside itself."""
    monkeypatch.setattr(heartbeats, "BEAT_SECONDS", 0.01)
    hanging = Hanging()
    environment = ActivityEnvironment()
    environment.on_heartbeat = hanging.sign
    drains = DrainActivities(Calls(), Parcels(), Hinted(), hanging, lambda: NOON)
    await environment.run(drains.drain, Queue("track", "kdniao", "c"), LOOPS, 1)
    assert hanging.signs >= 4


class Impatient(ShutCouriers):
    """A channel that asks for patience, or does not answer."""

    def __init__(self, error: Unavailable) -> None:
        self._error = error

    async def channel(self, vendor: str, code: str) -> ports.SalesChannel:
        raise self._error


class Counted(Hinted):
    """Remembers how many tries a call has behind it."""

    attempts: int = 0

    async def again(self, call: Call, next_at: datetime, reason: str) -> None:
        self.attempts = call.attempts
        await super().again(call, next_at, reason)


@pytest.mark.parametrize(
    ("error", "attempts", "seconds"), [(RateLimited("7", 3), 0, 3.0), (Unavailable("HTTP 503"), 1, 0.1)]
)
async def test_a_channel_that_asks_for_patience_uses_up_no_try(
    error: Unavailable, attempts: int, seconds: float
) -> None:
    """INT-16: its own wait and no growing one; a call without an answer waits longer each time."""
    hinted = Counted()
    drains = DrainActivities(Calls(), Parcels(), hinted, Impatient(error), lambda: NOON)
    await ActivityEnvironment().run(drains.drain, Queue("reread", "taobao", "tm"), LOOPS, 2)
    assert hinted.attempts == attempts
    assert hinted.again_at == [NOON + timedelta(seconds=seconds)]


async def test_stock_that_cannot_be_told_keeps_no_order_from_being_read() -> None:
    told = GuardedChannel(Anybody(), Bulkhead("v/c", lambda: NOON, Limits(60)), stock=closed_bulkhead())
    with pytest.raises(Unavailable):
        await told.push_stock((Level("TEE", "700", "71", 5),))
    assert (await told.read_order("T1"))[0] is not None
