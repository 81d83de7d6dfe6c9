"""After-sales cases at Temporal: waking their workflows, and bringing them decisions."""

from temporalio.client import Client, WorkflowUpdateFailedError, WorkflowUpdateRPCTimeoutOrCancelledError
from temporalio.common import SearchAttributePair, TypedSearchAttributes
from temporalio.common import WorkflowIDReusePolicy as Reuse
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from clients.temporal import CHANNEL, DECISION_SECONDS, ORDERS_QUEUE, RPC_SECONDS, SHOP, fair, reason_of
from domain.after_sales import CaseDecision, CaseEvent, CaseStart, workflow_id
from domain.errors import Refused, Unavailable
from domain.orders import shop_of
from workflows.after_sales import AfterSalesWorkflow


async def tell_case(client: Client, start: CaseStart, event: str) -> bool:
    """Start a case's workflow with this event, or signal the running one; False when it has ended.

    A case that was opened again (store/case_reopen.py) gets a new run after one that has ended.
    """
    again = event == CaseEvent.REOPENED.value
    channel, shop = shop_of(start.order_key)
    attributes = [SearchAttributePair(CHANNEL, channel), SearchAttributePair(SHOP, shop)]
    try:
        await client.start_workflow(
            AfterSalesWorkflow.run,
            start,
            id=workflow_id(start.no),
            task_queue=ORDERS_QUEUE,
            start_signal="observed",
            start_signal_args=[event],
            id_reuse_policy=Reuse.ALLOW_DUPLICATE if again else Reuse.REJECT_DUPLICATE,
            search_attributes=TypedSearchAttributes(attributes),
            static_summary=f"case {start.no} of {start.order_key}",
            priority=fair(channel, shop),
            rpc_timeout=RPC_SECONDS,
        )
    except WorkflowAlreadyStartedError:
        return False
    except RPCError as error:
        raise Unavailable(f"Temporal: {error.status.name}") from error
    return True


async def decide_case(client: Client, no: str, decision: CaseDecision, nonce: str) -> str:
    """Bring a decision to a case and return what came of it; Refused with the reason when it does not count.

    `nonce` names the form: the same one sent twice is one decision and gives the first answer.
    """
    handle = client.get_workflow_handle_for(AfterSalesWorkflow.run, workflow_id(no))
    try:
        answer = await handle.execute_update(
            AfterSalesWorkflow.decide, args=[decision, nonce], id=nonce, rpc_timeout=DECISION_SECONDS
        )
    except WorkflowUpdateFailedError as error:
        raise Refused("case", reason_of(error)) from error
    except WorkflowUpdateRPCTimeoutOrCancelledError:
        raise Unavailable("sent, not yet confirmed; it takes effect when a worker answers") from None
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            raise Refused("case", f"{no} is closed, or has not started yet: look again in a moment") from error
        raise Unavailable(f"Temporal: {error.status.name}") from error
    if not answer.taken:
        raise Refused("case", answer.words)
    return answer.words
