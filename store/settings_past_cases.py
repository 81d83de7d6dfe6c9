"""What after-sales cases would be under another policy or other deadlines (CFG-1, AFT-2, AFT-5). Changes nothing.

A case is judged as it was asked: at the moment at which it was opened, with the goods as far as they were then, for
the money that it asked for (all of its units' price where it named none).
"""

from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.after_sales import CaseKind, Origin
from domain.after_sales_policy import Asked, Checked, Phase, Policy, check
from domain.sla import Sla
from store.after_sales_doc import AfterSalesDocument
from store.case_check import AGREED
from store.settings_past import MOST_TRIED, Past, Proposal
from store.sla_doc import SlaDocument

_EARLIER = """
    (SELECT count(*) FROM after_sales_case e JOIN orders b ON b.key = e.order_key
        WHERE o.buyer_index <> '' AND b.buyer_index = o.buyer_index AND e.no <> c.no AND e.opened_at < c.opened_at
            AND e.opened_at > c.opened_at - make_interval(days => CAST(:{name} AS int))) AS {name}
"""
_ASKED = text(
    f"""
    SELECT c.no, c.kind, c.origin, c.reason, c.phase, c.opened_at, c.channel_state, o.signed_at,
        coalesce(c.wanted_minor, goods.minor, 0) AS wanted, goods.skus,
        (SELECT count(*) FROM case_photo p WHERE p.case_no = c.no AND p.kind <> 'inspection') AS photos,
        {_EARLIER.format(name="was")}, {_EARLIER.format(name="becomes")}
    FROM after_sales_case c JOIN orders o ON o.key = c.order_key
    LEFT JOIN LATERAL (
        SELECT array_agg(l.sku) AS skus, sum(l.quantity * ol.amount_minor / greatest(ol.quantity, 1))::bigint AS minor
        FROM case_line l JOIN order_line ol ON ol.order_key = c.order_key AND ol.line_no = l.line_no
        WHERE l.case_no = c.no) goods ON true
    ORDER BY c.opened_at DESC LIMIT :most
    """  # noqa: S608  (both parts are ours)
)
_WAITING = text(
    """
    SELECT no, state, step_since FROM after_sales_case WHERE closed_at IS NULL AND state <> 'checking'
    ORDER BY turn LIMIT :most
    """
)


async def rulings(tx: AsyncConnection, proposal: Proposal) -> Past:
    """Try a policy on past cases; what the platform had agreed to stays approved under any."""
    was, becomes = _policy(proposal.was), _policy(proposal.becomes)
    past = Past(noun="cases")
    windows = {"was": was.cases_window_days, "becomes": becomes.cases_window_days}
    for row in await tx.execute(_ASKED, windows | {"most": MOST_TRIED}):
        before, after = _outcome(row, row.was, was), _outcome(row, row.becomes, becomes)
        past.take(row.no, before, before if row.channel_state in AGREED else after)
    return past


async def deadlines(tx: AsyncConnection, proposal: Proposal) -> Past:
    """Try deadlines on the open cases: by when each would have to be done with its step, in the calendar's zone."""
    was, becomes = _sla(proposal.was), _sla(proposal.becomes)
    past = Past(noun="cases")
    for row in await tx.execute(_WAITING, {"most": MOST_TRIED}):
        past.take(row.no, _due(row, was), _due(row, becomes))
    return past


def _sla(body: dict[str, Any]) -> Sla:
    return SlaDocument.model_validate(body).sla(0, "live")


def _due(row: Row[Any], sla: Sla) -> str:
    due = sla.due("case", row.state, row.step_since)
    return f"due {due.astimezone(ZoneInfo(sla.calendar.zone)):%Y-%m-%d %H:%M}" if due else "never due"


def _policy(body: dict[str, Any]) -> Policy:
    return AfterSalesDocument.model_validate(body).policy(0, "live")


def _outcome(row: Row[Any], earlier: int, policy: Policy) -> str:
    signed = row.signed_at if row.signed_at is not None and row.signed_at <= row.opened_at else None
    asked = Asked(
        kind=CaseKind(row.kind),
        origin=Origin(row.origin),
        phase=Phase(row.phase) if row.phase else Phase.RECEIVED if signed else Phase.ON_THE_WAY,
        paid=True,
        skus=tuple(row.skus or ()),
        reason=row.reason,
        signed_at=signed,
        refundable_minor=max(row.wanted, 1),
        wanted_minor=row.wanted,
        photos=row.photos,
        buyer_cases=earlier,
    )
    return _words(check(asked, policy, row.opened_at))


def _words(decided: Checked) -> str:
    more = [name for name, so in (("freight", decided.freight_back), ("pays first", decided.pay_before_return)) if so]
    return "; ".join([f"{decided.ruling.value}: {decided.words}", *more])
