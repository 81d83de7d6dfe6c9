"""The oversell breaker in SQL (INV-7): what stops the sale of a SKU on all channels, and what lets it go on.

`sku_stock.trial_left` is the breaker: the exposure of every channel and every reservation heed it. It changes here
alone, under the lock of the SKU's row, and bumps the SKU's version, so that all channels are told (INV-6). When it
opens and closes is decided in domain/breaker.py. Orders that wait meanwhile are served by store/waiting.py.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.breaker import STOPPED_BY, TOLD, Breaker, Cause, End, after_sale, opens, reopened_by_restock, state
from domain.errors import BadInput
from domain.stock_rules import StockRules
from store import alerts, audit, bundles, settings_docs, stock_ledger
from store.alerts import Level, NewAlert
from store.settings_docs import Profile

ALERT = "oversell_breaker"
MOST_TRIAL = 1_000_000

_UNDER_WAY = text("SELECT * FROM breaker_event WHERE sku = :sku AND closed_at IS NULL")
_SINCE = text("SELECT max(closed_at) FROM breaker_event WHERE sku = :sku")
_SET = text("UPDATE sku_stock SET trial_left = :left, version = version + 1, updated_at = :now WHERE sku = :sku")
_FAILED = text(
    """
    INSERT INTO lock_failure (sku, order_key, units, at, event_id)
    SELECT CAST(:sku AS text), CAST(:key AS text), :units, CAST(:now AS timestamptz), CAST(:event_id AS bigint)
    WHERE NOT EXISTS (SELECT 1 FROM lock_failure WHERE sku = :sku AND order_key = :key AND at > :since)
    """
)
_COUNT = text("SELECT count(DISTINCT order_key) FROM lock_failure WHERE sku = :sku AND at > :since")
_OPEN = text(
    """
    INSERT INTO breaker_event (sku, cause, reason, opened_at, opened_by)
    VALUES (:sku, :cause, :reason, :now, :by) RETURNING id
    """
)
_BLAME = text("UPDATE lock_failure SET event_id = :event_id WHERE sku = :sku AND at > :since AND event_id IS NULL")
_BY_HAND = text("UPDATE breaker_event SET cause = 'hand', reason = :reason, trial_at = NULL WHERE id = :id")
_TRIAL = text("UPDATE breaker_event SET trial = :trial, trial_at = :now WHERE id = :id")
_TRIAL_FAILED = text("UPDATE breaker_event SET trial_at = NULL WHERE id = :id")
_CLOSE = text("UPDATE breaker_event SET closed_at = :now, closed_by = :by, ended = :ended WHERE id = :id")


@dataclass(frozen=True, slots=True)
class Failure:
    """An order that found too few units of a SKU; `trial_left` is the breaker as it found it."""

    key: str
    sku: str
    units: int
    trial_left: int | None


@dataclass(frozen=True, slots=True)
class By:
    """Who stops or resumes a sale, why, and when."""

    actor: str
    now: datetime
    reason: str = ""


async def failed(tx: AsyncConnection, failures: Iterable[Failure], profile: Profile, now: datetime) -> None:
    """Write failed locks down and stop the sale where they are too many; the SKUs' rows are locked.

    One order counts once within the window, however often it is tried.
    """
    found = list(failures)
    rules = await settings_docs.stock_rules(tx, profile) if found else None
    for one in found:
        if rules is not None and state(one.trial_left) is not Breaker.OPEN:
            await _failed(tx, one, rules, now)


async def _failed(tx: AsyncConnection, one: Failure, rules: StockRules, now: datetime) -> None:
    before, event = state(one.trial_left), await under_way(tx, one.sku)
    since = now - timedelta(seconds=rules.breaker_window_seconds)
    last = (await tx.execute(_SINCE, {"sku": one.sku})).scalar_one()
    since = max(since, last) if last else since
    values = {"sku": one.sku, "key": one.key, "units": one.units, "now": now, "since": since}
    await tx.execute(_FAILED, values | {"event_id": event.id if event else None})
    orders = int((await tx.execute(_COUNT, {"sku": one.sku, "since": since})).scalar_one())
    if not opens(before, orders, rules):
        return
    await tx.execute(_SET, {"sku": one.sku, "left": 0, "now": now})
    if event is not None:
        await tx.execute(_TRIAL_FAILED, {"id": event.id})
        words = "a trial of its sale failed: units are missing again"
    else:
        words = f"{orders} orders found no units within {rules.breaker_window_seconds:.0f} s"
        event_id = await _open(tx, one.sku, Cause.FAILURES, By("breaker", now, words))
        await tx.execute(_BLAME, {"sku": one.sku, "since": since, "event_id": event_id})
    await _tell(tx, one.sku, words, now)
    await audit.write(tx, "stock.stopped", one.sku, now, actor="breaker", reason=words, told=TOLD)


async def _tell(tx: AsyncConnection, sku: str, words: str, now: datetime) -> None:
    mend = f"restock it, or oms breaker resume {sku} --trial N"
    told = f"sale stopped on all channels: {words}. To the {TOLD}: {mend}"
    await alerts.raise_alert(tx, NewAlert(ALERT, Level.CRITICAL, sku, told), now)


async def _open(tx: AsyncConnection, sku: str, cause: Cause, by: By) -> int:
    values = {"sku": sku, "cause": cause.value, "reason": by.reason[:500], "now": by.now, "by": by.actor}
    return int((await tx.execute(_OPEN, values)).scalar_one())


async def under_way(tx: AsyncConnection, sku: str) -> Row[Any] | None:
    """Give the event that keeps a SKU from being sold, if there is one."""
    return (await tx.execute(_UNDER_WAY, {"sku": sku})).one_or_none()


async def why_stopped(tx: AsyncConnection, skus: Iterable[str]) -> str:
    """Say in words why these SKUs are not sold, the breaker's own case first."""
    causes = {row.cause for sku in sorted(set(skus)) if (row := await under_way(tx, sku))}
    return STOPPED_BY[Cause.HAND if causes == {Cause.HAND.value} else Cause.FAILURES]


async def sold(tx: AsyncConnection, sku: str, trial_left: int | None, units: int, now: datetime) -> None:
    """Count units that were sold on trial; the SKU's row is locked. Sold out without a failure, its breaker closes."""
    if trial_left is None:
        return
    left = after_sale(trial_left, units)
    await tx.execute(_SET, {"sku": sku, "left": left, "now": now})
    event = await under_way(tx, sku)
    if left is None and event is not None:
        await _close(tx, event, End.TRIAL, By("breaker", now))


async def restocked(tx: AsyncConnection, sku: str, now: datetime) -> None:
    """Let the sale of a SKU go on because units came in; its row is locked. What a person stopped stays stopped."""
    event = await under_way(tx, sku)
    if event is not None and reopened_by_restock(Cause(event.cause)):
        await tx.execute(_SET, {"sku": sku, "left": None, "now": now})
        await _close(tx, event, End.RESTOCK, By("breaker", now))


async def stop(tx: AsyncConnection, sku: str, by: By) -> bool:
    """Stop the sale of a SKU on every channel (停售) until somebody resumes it; False when a person had stopped it."""
    await _lock(tx, sku)
    event = await under_way(tx, sku)
    if event is not None and event.cause == Cause.HAND and event.trial_at is None:
        return False
    if event is None:
        await _open(tx, sku, Cause.HAND, by)
    else:
        await tx.execute(_BY_HAND, {"id": event.id, "reason": by.reason[:500]})
        await alerts.clear(tx, sku, by.now, ALERT)
    await tx.execute(_SET, {"sku": sku, "left": 0, "now": by.now})
    await audit.write(tx, "stock.stopped", sku, by.now, actor=by.actor, reason=by.reason)
    return True


async def resume(tx: AsyncConnection, sku: str, trial: int | None, by: By) -> None:
    """Let the sale of a SKU go on, wholly or for `trial` units first; BadInput when it is not stopped."""
    await _lock(tx, sku)
    event = await under_way(tx, sku)
    if event is None:
        raise BadInput(f"the sale of {sku} is not stopped: there is nothing to resume")
    if trial is not None and not 0 < trial <= MOST_TRIAL:
        raise BadInput(f"a trial is 1 to {MOST_TRIAL} units; without --trial the sale goes on without a limit")
    await tx.execute(_SET, {"sku": sku, "left": trial, "now": by.now})
    if trial is None:
        await _close(tx, event, End.HAND, by)
        return
    await tx.execute(_TRIAL, {"id": event.id, "trial": trial, "now": by.now})
    await alerts.clear(tx, sku, by.now, ALERT)
    await audit.write(tx, "stock.trial", sku, by.now, actor=by.actor, units=trial, reason=by.reason)


async def _close(tx: AsyncConnection, event: Row[Any], ended: End, by: By) -> None:
    await tx.execute(_CLOSE, {"id": event.id, "now": by.now, "by": by.actor, "ended": ended.value})
    await alerts.clear(tx, event.sku, by.now, ALERT)
    await audit.write(tx, "stock.resumed", event.sku, by.now, actor=by.actor, by=ended.value, reason=by.reason)


async def _lock(tx: AsyncConnection, sku: str) -> None:
    if await stock_ledger.lock(tx, [sku]):
        return
    parts = (await bundles.components(tx, [sku])).get(sku)
    if parts:
        raise BadInput(f"{sku} is a bundle: stop or resume one of its components ({', '.join(sorted(parts))})")
    raise BadInput(f"no SKU {sku!r}; set its stock first: oms stock set {sku} COUNT --warehouse CODE")
