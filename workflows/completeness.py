"""The completeness ledger of one shop: compares what is due, on a schedule (INT-9, INT-10), or what a person names.

Owns the order of the steps, and how long a comparison by hand waits for its gaps; not what is compared.
"""

from dataclasses import dataclass
from datetime import timedelta

from temporalio import workflow

from activities.completeness import LedgerActivities
from domain.completeness import Mark, RollSource, Span
from workflows.options import FACT_FOR_EVER
from workflows.steps import fact

CHECK_LONGEST = timedelta(minutes=30)
BEAT = timedelta(seconds=60)
LOOKS = 12
"""So often a comparison by hand looks whether its gaps have healed, within the time that a gap may take."""


@dataclass(frozen=True)
class Reconcile:
    """What a person wants to have compared."""

    source: RollSource
    spans: tuple[Span, ...]


@workflow.defn
class CompletenessWorkflow:
    """One look at what is due, `ledger:{channel}:{shop}`; never two at once."""

    @workflow.run
    async def run(self, source: RollSource) -> int:
        """Compare every window that is due; return how many there were."""
        spans: list[Span] = await fact(LedgerActivities.due_checks, source)
        for span in spans:
            await _check(source, span)
        return len(spans)


@workflow.defn
class ReconcileWorkflow:
    """One comparison by hand."""

    @workflow.run
    async def run(self, wish: Reconcile) -> int:
        """Compare, have the gaps filled, and look until they are; return how many windows are not whole then."""
        left = list(wish.spans)
        for look in range(LOOKS):
            if look:
                await workflow.sleep(timedelta(seconds=wish.source.timing.heal_seconds / LOOKS))
            left = [span for span in left if await _check(wish.source, span) not in WHOLE]
            if not left:
                break
        return len(left)


WHOLE = (Mark.GREEN, Mark.HEALED, Mark.AMBER)


async def _check(source: RollSource, span: Span) -> Mark:
    return await workflow.execute_activity(
        LedgerActivities.check_span,
        args=(source, span),
        start_to_close_timeout=CHECK_LONGEST,
        heartbeat_timeout=BEAT,
        retry_policy=FACT_FOR_EVER,
        summary=f"{span.kind} {span.start:%Y-%m-%d %H:%M:%S} UTC",
    )
