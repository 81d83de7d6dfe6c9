"""The connection to Temporal and the one way to reach an order's workflow. Owns ids, search attributes and summaries.

The address comes from Temporal's standard environment settings (TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, TEMPORAL_API_KEY,
TEMPORAL_TLS_... or a profile file).
"""

from collections.abc import Sequence
from datetime import timedelta
from functools import cache
from urllib.parse import quote

from temporalio.client import (
    Client,
    Plugin,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleHandle,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
    ScheduleState,
    ScheduleUpdate,
    ScheduleUpdateInput,
    WorkflowExecutionStatus,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.common import (
    Priority,
    SearchAttributeKey,
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
)
from temporalio.envconfig import ClientConfig
from temporalio.exceptions import ApplicationError, WorkflowAlreadyStartedError
from temporalio.runtime import Runtime
from temporalio.service import RPCError, RPCStatusCode

from clients.settings import ConsoleSettings
from domain.errors import Refused, Unavailable
from domain.orders import OrderEvent, workflow_id
from domain.outgoing import Queue
from domain.progress import OrderStart
from domain.pulling import ORDERS, PullSource
from domain.timing import LoopTiming
from workflows import labels
from workflows.decisions import Decision
from workflows.orders import OrderWorkflow
from workflows.shop_drain import DrainStart, ShopDrainWorkflow
from workflows.shop_pull import ShopPullWorkflow

NAMESPACE = "oms"
ORDERS_QUEUE = "orders"
SHOPS_QUEUE = "shops"
OCR_QUEUE = labels.OCR_QUEUE
CHANNEL = SearchAttributeKey.for_keyword("Channel")
SHOP = SearchAttributeKey.for_keyword("Shop")
RPC_SECONDS = timedelta(seconds=10)
DECISION_SECONDS = timedelta(seconds=20)


FAIRNESS_BYTES = 64
"""The engine takes no longer key."""


def fair(channel: str, shop: str) -> Priority:
    """Have the engine serve shops in turn: one with a backlog keeps no other waiting."""
    return Priority(fairness_key=f"{channel}/{shop}".encode()[:FAIRNESS_BYTES].decode(errors="ignore"))


async def connect(runtime: Runtime | None = None, plugins: Sequence[Plugin] = ()) -> Client:
    """Dial the server that the environment names; raise Unavailable when nobody answers."""
    config = ClientConfig.load_client_connect_config()
    config.setdefault("namespace", NAMESPACE)
    if config["namespace"] == "default":
        config["namespace"] = NAMESPACE
    try:
        return await Client.connect(**config, runtime=runtime, plugins=plugins)
    except RuntimeError as error:
        raise Unavailable(f"Temporal at {config.get('target_host')}: {type(error).__name__}") from error


async def tell_order(client: Client, start: OrderStart, event: OrderEvent, summary: str) -> bool:
    """Start the order's workflow with this event, or signal the running one; False when it has ended.

    An ended one is never started again (REJECT_DUPLICATE). At least once: the workflow takes an event twice unharmed.
    """
    return await _start(client, start, event, summary, WorkflowIDReusePolicy.REJECT_DUPLICATE)


async def _start(
    client: Client, start: OrderStart, event: OrderEvent, summary: str, reuse: WorkflowIDReusePolicy
) -> bool:
    channel, shop, _ = start.key.split(":", 2)
    attributes = [SearchAttributePair(CHANNEL, channel), SearchAttributePair(SHOP, shop)]
    try:
        await client.start_workflow(
            OrderWorkflow.run,
            start,
            id=workflow_id(start.key),
            task_queue=ORDERS_QUEUE,
            start_signal="observed",
            start_signal_args=[event.value],
            id_reuse_policy=reuse,
            search_attributes=TypedSearchAttributes(attributes),
            static_summary=summary,
            static_details=_link_back(start.key),
            priority=fair(channel, shop),
            rpc_timeout=RPC_SECONDS,
        )
    except WorkflowAlreadyStartedError:
        return False
    except RPCError as error:
        raise Unavailable(f"Temporal: {error.status.name}") from error
    return True


@cache
def _console() -> str:
    return ConsoleSettings().url


def _link_back(key: str) -> str | None:
    """Lead from the workflow's page in the Temporal Web UI to the order's page in the console (OPS-1)."""
    return f"[console]({_console()}/orders/{quote(key, safe=':')})" if _console() else None


async def ensure_drain(client: Client, queue: Queue, timing: LoopTiming) -> None:
    """Make sure that the drain of one queue runs; one that runs already is left alone."""
    try:
        await client.start_workflow(
            ShopDrainWorkflow.run,
            DrainStart(queue, timing),
            id=f"drain:{queue.kind}:{queue.vendor}:{queue.shop}",
            task_queue=SHOPS_QUEUE,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            static_summary=f"{queue.kind} calls to {queue.vendor}/{queue.shop}",
            priority=fair(queue.vendor, queue.shop),
            rpc_timeout=RPC_SECONDS,
        )
    except RPCError as error:
        raise Unavailable(f"Temporal: {error.status.name}") from error


async def ensure_pull(client: Client, source: PullSource, *, on: bool = True) -> None:
    """Make sure that a shop is pulled at its period, never twice at once; a changed period or switch takes effect."""
    note = "" if on else "backup verification is off: oms shop backup"
    await ensure_schedule(
        client,
        pull_schedule(source.vendor, source.shop, source.kind),
        ScheduleActionStartWorkflow(
            ShopPullWorkflow.run,
            source,
            id=pull_schedule(source.vendor, source.shop, source.kind),
            task_queue=SHOPS_QUEUE,
            static_summary=f"{source.kind}s of {source.vendor}/{source.shop}",
            priority=fair(source.vendor, source.shop),
        ),
        timedelta(seconds=source.timing.period_seconds),
        ScheduleState(paused=not on, note=note),
    )


async def ensure_schedule(
    client: Client, name: str, action: ScheduleActionStartWorkflow, period: timedelta, state: ScheduleState
) -> None:
    """Make sure that something is done at its period, never twice at once; a change takes effect."""
    made = Schedule(
        action,
        spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(period)]),
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=timedelta(minutes=1)),
        state=state,
    )
    try:
        await client.create_schedule(name, made, rpc_timeout=RPC_SECONDS)
    except ScheduleAlreadyRunningError:
        await change_schedule(client.get_schedule_handle(name), made)
    except RPCError as error:
        raise Unavailable(f"Temporal: {error.status.name}") from error


async def change_schedule(handle: ScheduleHandle, made: Schedule) -> None:
    """Put another description of a schedule in force."""

    async def change(_: ScheduleUpdateInput) -> ScheduleUpdate:
        return ScheduleUpdate(made)

    try:
        await handle.update(change, rpc_timeout=RPC_SECONDS)
    except RPCError as error:
        raise Unavailable(f"Temporal: {error.status.name}") from error


def pull_schedule(vendor: str, shop: str, kind: str = ORDERS) -> str:
    """Name the schedule of a shop's pull, and the workflow that it starts."""
    return f"pull:{vendor}:{shop}" if kind == ORDERS else f"pull-{kind}s:{vendor}:{shop}"


async def pull_now(client: Client, vendor: str, shop: str, kind: str = ORDERS, *, replace: bool = True) -> None:
    """Pull a shop's orders, or another kind, at once. Refused when no pull is scheduled.

    A pull that is under way, or waits for its next try, is replaced; else it is left to do its work.
    """
    handle = client.get_schedule_handle(pull_schedule(vendor, shop, kind))
    overlap = ScheduleOverlapPolicy.CANCEL_OTHER if replace else ScheduleOverlapPolicy.SKIP
    try:
        await handle.trigger(overlap=overlap, rpc_timeout=RPC_SECONDS)
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            words = f"no pull of {vendor}/{shop} is scheduled: is it connected, does a worker run?"
            raise Refused("pull", words) from error
        raise Unavailable(f"Temporal: {error.status.name}") from error


async def pull_is_on(client: Client, vendor: str, shop: str) -> bool:
    """Say whether a shop's orders are pulled at a period: there is a schedule, and nobody paused it (INT-18)."""
    try:
        found = await client.get_schedule_handle(pull_schedule(vendor, shop)).describe(rpc_timeout=RPC_SECONDS)
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return False
        raise Unavailable(f"Temporal: {error.status.name}") from error
    return not found.schedule.state.paused


async def decide(client: Client, key: str, decision: Decision, nonce: str) -> str:
    """Bring an operator's decision to an order and return what came of it; Refused with the order's own reason.

    `nonce` names the form: the same one sent twice is one decision and gives the first answer.
    """
    handle = client.get_workflow_handle_for(OrderWorkflow.run, workflow_id(key))
    try:
        return await handle.execute_update(OrderWorkflow.decide, decision, id=nonce, rpc_timeout=DECISION_SECONDS)
    except WorkflowUpdateFailedError as error:
        raise Refused(decision.choice.value, reason_of(error)) from error
    except WorkflowUpdateRPCTimeoutOrCancelledError:
        raise Unavailable("sent, not yet confirmed; it takes effect when a worker and the warehouse answer") from None
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            raise Refused(decision.choice.value, "the order's workflow has ended or has not started yet") from error
        raise Unavailable(f"Temporal: {error.status.name}") from error


async def restart_order(client: Client, start: OrderStart, events: list[OrderEvent], summary: str) -> None:
    """Start an order's workflow again after it ended by a fault; facts that exist are found, not made twice.

    The only place that may reuse an order's workflow id; raises Refused while one runs.
    """
    handle = client.get_workflow_handle(workflow_id(start.key))
    try:
        described = await handle.describe(rpc_timeout=RPC_SECONDS)
        if described.status is WorkflowExecutionStatus.RUNNING:
            raise Refused("restart", "its workflow runs; retry, skip or cancel it instead")
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise Unavailable(f"Temporal: {error.status.name}") from error
    await _start(client, start, events[0], summary, WorkflowIDReusePolicy.ALLOW_DUPLICATE)
    for event in events[1:]:
        await handle.signal(OrderWorkflow.observed, event.value)


def reason_of(error: WorkflowUpdateFailedError) -> str:
    """Take the workflow's own words, without the name of an exception class."""
    return error.cause.message if isinstance(error.cause, ApplicationError) else str(error.cause)
