"""The connection to Temporal and the one way to reach an order's workflow. Owns ids, search attributes and summaries.

The address comes from Temporal's standard environment settings (TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, TEMPORAL_API_KEY,
TEMPORAL_TLS_... or a profile file).
"""

from datetime import timedelta

from temporalio.client import Client, WorkflowUpdateFailedError, WorkflowUpdateRPCTimeoutOrCancelledError
from temporalio.common import (
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

from domain.errors import Refused, Unavailable
from domain.orders import OrderEvent, workflow_id
from domain.outgoing import Queue
from domain.progress import OrderStart
from domain.timing import LoopTiming
from workflows.orders import OrderWorkflow
from workflows.shop_drain import DrainStart, ShopDrainWorkflow

NAMESPACE = "oms"
ORDERS_QUEUE = "orders"
SHOPS_QUEUE = "shops"
CHANNEL = SearchAttributeKey.for_keyword("Channel")
SHOP = SearchAttributeKey.for_keyword("Shop")
RPC_SECONDS = timedelta(seconds=10)


async def connect(runtime: Runtime | None = None) -> Client:
    """Dial the server that the environment names; raise Unavailable when nobody answers."""
    config = ClientConfig.load_client_connect_config()
    config.setdefault("namespace", NAMESPACE)
    if config["namespace"] == "default":
        config["namespace"] = NAMESPACE
    try:
        return await Client.connect(**config, runtime=runtime)
    except RuntimeError as error:
        raise Unavailable(f"Temporal at {config.get('target_host')}: {type(error).__name__}") from error


async def tell_order(client: Client, start: OrderStart, event: OrderEvent, summary: str) -> bool:
    """Start the order's workflow with this event, or signal the running one; False when it has ended.

    An ended one is never started again (REJECT_DUPLICATE). At least once: the workflow takes an event twice unharmed.
    """
    channel, shop, _ = start.key.split(":", 2)
    try:
        await client.start_workflow(
            OrderWorkflow.run,
            start,
            id=workflow_id(start.key),
            task_queue=ORDERS_QUEUE,
            start_signal="observed",
            start_signal_args=[event.value],
            id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
            search_attributes=TypedSearchAttributes(
                [SearchAttributePair(CHANNEL, channel), SearchAttributePair(SHOP, shop)]
            ),
            static_summary=summary,
            rpc_timeout=RPC_SECONDS,
        )
    except WorkflowAlreadyStartedError:
        return False
    except RPCError as error:
        raise Unavailable(f"Temporal: {error.status.name}") from error
    return True


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
            rpc_timeout=RPC_SECONDS,
        )
    except RPCError as error:
        raise Unavailable(f"Temporal: {error.status.name}") from error


async def decide(client: Client, key: str, choice: str, actor: str) -> None:
    """Bring an operator's decision to an order; raise Refused with the order's own reason."""
    handle = client.get_workflow_handle_for(OrderWorkflow.run, workflow_id(key))
    try:
        await handle.execute_update(OrderWorkflow.decide, args=(choice, actor), rpc_timeout=RPC_SECONDS)
    except WorkflowUpdateFailedError as error:
        raise Refused(choice, _reason(error)) from error
    except WorkflowUpdateRPCTimeoutOrCancelledError:
        raise Unavailable("sent, not yet confirmed: no worker took it in time; it is applied when one runs") from None
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            raise Refused(choice, "the order's workflow has ended or has not started yet") from error
        raise Unavailable(f"Temporal: {error.status.name}") from error


def _reason(error: WorkflowUpdateFailedError) -> str:
    """Take the workflow's own words, without the name of an exception class."""
    return error.cause.message if isinstance(error.cause, ApplicationError) else str(error.cause)
