"""Exceptions and tickets at Temporal: starting and waking their workflows. People decide in the store."""

from collections.abc import Callable
from typing import Any

from temporalio.client import Client
from temporalio.common import SearchAttributePair, TypedSearchAttributes, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError

from clients.temporal import CHANNEL, ORDERS_QUEUE, RPC_SECONDS, SHOP
from domain.errors import Unavailable
from domain.exceptions import ProcessStart
from domain.orders import shop_of
from workflows.exceptions import ExceptionWorkflow, TicketWorkflow

RUNS: dict[str, Callable[..., Any]] = {"exception": ExceptionWorkflow.run, "ticket": TicketWorkflow.run}


async def tell_process(client: Client, process: str, order_key: str, event: str) -> bool:
    """Start a workflow by its id with this event, or signal the running one; False when it has ended."""
    kind, no = process.split(":")[:2]
    attributes = []
    if order_key:
        channel, shop = shop_of(order_key)
        attributes = [SearchAttributePair(CHANNEL, channel), SearchAttributePair(SHOP, shop)]
    try:
        await client.start_workflow(
            RUNS[kind],
            ProcessStart(no, order_key),
            id=process,
            task_queue=ORDERS_QUEUE,
            start_signal="observed",
            start_signal_args=[event],
            id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
            search_attributes=TypedSearchAttributes(attributes),
            static_summary=f"{kind} {no} of {order_key}" if order_key else f"{kind} {no}",
            rpc_timeout=RPC_SECONDS,
        )
    except WorkflowAlreadyStartedError:
        return False
    except RPCError as error:
        raise Unavailable(f"Temporal: {error.status.name}") from error
    return True
