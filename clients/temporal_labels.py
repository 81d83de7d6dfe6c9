"""Label photos at Temporal: having one read, once, while nobody waits (AFT-4)."""

from temporalio.client import Client
from temporalio.common import WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError

from clients.temporal import ORDERS_QUEUE, RPC_SECONDS
from domain.errors import Unavailable
from workflows.labels import LabelWorkflow


async def have_read(client: Client, photo_id: str) -> bool:
    """Start the reading of a photo; False when it was started before."""
    try:
        await client.start_workflow(
            LabelWorkflow.run,
            photo_id,
            id=f"label:{photo_id}",
            task_queue=ORDERS_QUEUE,
            id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
            static_summary=f"label on photo {photo_id}",
            rpc_timeout=RPC_SECONDS,
        )
    except WorkflowAlreadyStartedError:
        return False
    except RPCError as error:
        raise Unavailable(f"Temporal: {error.status.name}") from error
    return True
