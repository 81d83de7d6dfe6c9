"""The completeness ledger at Temporal: its schedule per shop, and a comparison by hand."""

from datetime import datetime, timedelta

from temporalio.client import Client, ScheduleActionStartWorkflow, ScheduleState, WorkflowFailureError
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.service import RPCError

from clients.temporal import RPC_SECONDS, SHOPS_QUEUE, ensure_schedule, fair
from connectors import registry
from domain.completeness import EPOCH, RollSource, pieces
from domain.errors import BadInput, Broken, Unavailable
from domain.pulling import paced
from domain.shops import Shop
from domain.timing import Timing
from workflows.completeness import CompletenessWorkflow, Reconcile, ReconcileWorkflow


def source_of(shop: Shop, timing: Timing) -> RollSource | None:
    """Say how a shop's orders are proven to be here; None when it cannot be asked which it has."""
    rules = registry.roll_rules(shop)
    if rules is None:
        return None
    offset = EPOCH.astimezone(shop.tz).utcoffset() or timedelta(0)
    vendor = registry.vendor(shop.vendor)
    pushes = registry.pushes(shop.vendor)
    pulls = vendor.pull is not None and (shop.backup or not pushes)
    pace = paced(timing.pull, vendor.pull, pushes=pushes).period_seconds if vendor.pull else 0.0
    return RollSource(shop.vendor, shop.code, rules, timing.roll, offset.total_seconds(), pushes, pulls, pace)


async def ensure_ledger(client: Client, source: RollSource) -> None:
    """Make sure that a shop's ledger is kept at its period, never twice at once."""
    name = f"ledger:{source.vendor}:{source.shop}"
    action = ScheduleActionStartWorkflow(
        CompletenessWorkflow.run,
        source,
        id=name,
        task_queue=SHOPS_QUEUE,
        static_summary=f"is every order of {source.vendor}/{source.shop} here?",
        priority=fair(source.vendor, source.shop),
    )
    await ensure_schedule(client, name, action, timedelta(seconds=source.timing.period_seconds), ScheduleState())


async def reconcile(client: Client, source: RollSource, begin: datetime, end: datetime) -> int:
    """Compare a window now and wait until its gaps are filled; give how many parts are not whole. BadInput for none."""
    spans = pieces(source, begin, end)
    if not spans:
        raise BadInput("--to must be after --from")
    try:
        return await client.execute_workflow(
            ReconcileWorkflow.run,
            Reconcile(source, tuple(spans)),
            id=f"reconcile:{source.vendor}:{source.shop}:{begin.isoformat()}",
            task_queue=SHOPS_QUEUE,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            static_summary=f"{source.vendor}/{source.shop} from {begin:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} UTC",
            rpc_timeout=RPC_SECONDS,
        )
    except WorkflowFailureError as error:
        raise Broken(f"the comparison ended: {error.cause}") from error
    except RPCError as error:
        raise Unavailable(f"Temporal: {error.status.name}") from error
