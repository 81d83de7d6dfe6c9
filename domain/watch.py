"""What the watch makes of its figures: which alerts are due, and whether a worker is fit for work (OPS-1, INT-16).

Owns limits and words. Figures come from store/reads/watch.py and clients/task_queues.py, each about one moment.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from domain.lanes import EDITS, LATER
from domain.rehearsal import Promotion, due

NO_POLLERS, TASK_FAILURES, LATE_TASKS = "no_pollers", "workflow_task_failures", "schedule_to_start"
OVERSIZE, EXHAUSTED, LAG = "oversize_payload", "calls_exhausted", "lag"
STOCK_BEHIND, STOCK_REFUSED = "stock_behind", "stock_refused"
REHEARSE = "rehearsal_due"
SURGE, SURGE_OF = "surge", "core"
"""While this alert is open, what no order waits for is switched off (INT-15)."""
OF_THE_ENGINE = frozenset({NO_POLLERS, TASK_FAILURES, LATE_TASKS})
OF_THE_STORE = frozenset({EXHAUSTED, LAG, STOCK_BEHIND, STOCK_REFUSED, SURGE, REHEARSE})
PROBLEMS = "TemporalReportedProblems IS NOT NULL AND ExecutionStatus = 'Running'"
"""How the engine's lists are asked for workflows whose own code fails again and again."""


@dataclass(frozen=True, slots=True)
class AlertLimits:
    """From where on something is an alert; seconds unless the name says otherwise."""

    watch_seconds: float
    apply_lag_seconds: float
    deliver_lag_seconds: float
    schedule_to_start_seconds: float
    call_waiting_seconds: float
    refused_window_seconds: float
    oversize_window_seconds: float
    call_attempts: int
    stock_push_seconds: float
    shed_percent: int = 80
    calm_percent: int = 40
    """Non-core functions go off when the core is so many percent of its lag limits behind, and on again below this."""
    promotions: tuple[Promotion, ...] = ()
    rehearse_ahead_days: int = 14
    """So many days before a promotion begins somebody is reminded to rehearse it (OPS-4)."""
    silence_seconds: float = 1800.0
    connection_seconds: float = 3600.0
    push_quiet_seconds: float = 3600.0
    limit_window_seconds: float = 900.0
    limit_percent: int = 10
    limit_calls: int = 20
    """More limit errors than so many percent of at least so many calls within the window are told (INT-16)."""


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits in one lane for apply or deliver, and for how long the oldest of it is overdue."""

    lane: int
    waiting: int
    oldest_seconds: float


@dataclass(frozen=True, slots=True)
class AccountCalls:
    """Calls of one kind to one account: those that wait, and those refused within the window."""

    kind: str
    vendor: str
    shop: str
    waiting: int = 0
    oldest_seconds: float = 0.0
    attempts: int = 0
    refused: int = 0


@dataclass(frozen=True, slots=True)
class PullAge:
    """How long ago a shop was last pulled whole."""

    vendor: str
    shop: str
    seconds: float


@dataclass(frozen=True, slots=True)
class StockLag:
    """How far a shop is behind in what it is told of its stock: the oldest change that it was not told of (INV-6).

    `unlooked_seconds`: since when nobody has looked for changes. `refused` listings it does not take; `words` of one.
    """

    channel: str
    shop: str
    waiting: int = 0
    oldest_seconds: float = 0.0
    unlooked_seconds: float = 0.0
    refused: int = 0
    words: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class TaskQueue:
    """One task queue as the engine sees it: who polls it, what waits in it. `labels`: no order ever waits for it."""

    name: str
    pollers: tuple[str, ...]
    backlog: int = 0
    oldest_seconds: float = 0.0
    labels: bool = False


@dataclass(frozen=True, slots=True)
class StoreFigures:
    """What the database says of one moment."""

    apply: tuple[Backlog, ...] = ()
    deliver: tuple[Backlog, ...] = ()
    calls: tuple[AccountCalls, ...] = ()
    pulls: tuple[PullAge, ...] = ()
    stuck: int = 0
    stock: tuple[StockLag, ...] = ()
    surge: bool = False
    """Non-core functions are switched off."""
    rehearsed: frozenset[str] = frozenset()
    """The promotions that were rehearsed."""
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class EngineFigures:
    """What the engine says of one moment."""

    queues: tuple[TaskQueue, ...]
    failing: int = 0


@dataclass(frozen=True, slots=True)
class Figures:
    """One look; a part that could not be asked is None, with the reason in `away`. `oversize` is this process's own."""

    store: StoreFigures | None = None
    engine: EngineFigures | None = None
    oversize_bytes: int = 0
    away: tuple[str, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Finding:
    """An alert that is due."""

    kind: str
    subject: str
    words: str
    critical: bool = False


def judged(figures: Figures) -> frozenset[str]:
    """Say which kinds of alerts these figures decide: what they do not find is over."""
    return (OF_THE_STORE if figures.store else frozenset()) | (OF_THE_ENGINE if figures.engine else frozenset())


def findings(figures: Figures, limits: AlertLimits) -> list[Finding]:
    """List what somebody should know."""
    found: list[Finding] = []
    if figures.engine is not None:
        found += _of_the_engine(figures.engine, limits)
    if figures.store is not None:
        found += _lags(figures.store, limits)
        found += [_exhausted(one) for one in figures.store.calls if _hopeless(one, limits)]
        found += _surge(figures.store, limits)
        found += _unrehearsed(figures.store, limits)
        found += [finding for one in figures.store.stock for finding in _stock(one, limits)]
    if figures.oversize_bytes:
        words = f"a payload of {figures.oversize_bytes:,} bytes went to Temporal, which refuses more than 2 MB: a bug"
        found.append(Finding(OVERSIZE, "temporal", f"{words}; the worker's log names the size and the limit"))
    return found


def unfit(figures: Figures, limits: AlertLimits, identity: str) -> list[str]:
    """Say why the worker of this identity is not fit for work; an empty list when it is."""
    reasons = list(figures.away)
    if figures.engine is not None:
        idle = [queue.name for queue in figures.engine.queues if identity not in queue.pollers and not queue.labels]
        reasons += [f"does not poll {name}" for name in idle]
    if figures.store is not None:
        reasons += [finding.words for finding in _lags(figures.store, limits)]
    return reasons


def _of_the_engine(engine: EngineFigures, limits: AlertLimits) -> Iterator[Finding]:
    for queue in engine.queues:
        if not queue.pollers and queue.labels:
            words = "nobody reads labels: start python -m workers.ocr; until then numbers are typed, and nothing waits"
            yield Finding(NO_POLLERS, f"queue:{queue.name}", words)
        elif not queue.pollers:
            words = f"no worker polls {queue.name}: start one (python -m workers.main); orders wait and lose nothing"
            yield Finding(NO_POLLERS, f"queue:{queue.name}", words, critical=True)
        elif queue.oldest_seconds > limits.schedule_to_start_seconds:
            words = f"{queue.backlog} tasks of {queue.name} wait, the oldest for {span(queue.oldest_seconds)}"
            yield Finding(LATE_TASKS, f"queue:{queue.name}", f"{words}: too few workers, or they are too slow")
    if engine.failing:
        words = f"the code of {engine.failing} running workflows fails again and again; in the Web UI: {PROBLEMS}"
        yield Finding(TASK_FAILURES, "temporal", f"{words}. Roll back or mend it; they go on by themselves", True)


def _lags(store: StoreFigures, limits: AlertLimits) -> Iterator[Finding]:
    """Tell of what is behind; edits of remarks are put off on purpose (INT-15)."""
    for name, lanes, most in (
        ("apply", store.apply, limits.apply_lag_seconds),
        ("deliver", store.deliver, limits.deliver_lag_seconds),
    ):
        core = [one for one in lanes if one.lane < EDITS]
        oldest = max((one.oldest_seconds for one in core), default=0.0)
        if oldest > most:
            waiting = sum(one.waiting for one in core)
            yield Finding(LAG, name, f"{name} is {span(oldest)} behind, {waiting} wait")


def load_percent(store: StoreFigures, limits: AlertLimits) -> float:
    """Say how full the core is: how far its urgent and normal lanes are behind, in percent of what is an alert."""
    lanes = [(one, limits.apply_lag_seconds) for one in store.apply]
    lanes += [(one, limits.deliver_lag_seconds) for one in store.deliver]
    return max((100 * one.oldest_seconds / most for one, most in lanes if one.lane < LATER), default=0.0)


def _surge(store: StoreFigures, limits: AlertLimits) -> Iterator[Finding]:
    """Switch what no order waits for off above one line and on again below a lower one: it does not flicker."""
    full = load_percent(store, limits)
    if full > (limits.calm_percent if store.surge else limits.shed_percent):
        words = f"the core is {full:.0f} % full: reports, exports, trials and edits of remarks wait until it is below"
        yield Finding(SURGE, SURGE_OF, f"{words} {limits.calm_percent} %; orders go on")


def _unrehearsed(store: StoreFigures, limits: AlertLimits) -> Iterator[Finding]:
    if store.at is None:
        return
    for one in due(limits.promotions, store.rehearsed, store.at, limits.rehearse_ahead_days):
        words = f"{one.name} begins on {one.begins:%Y-%m-%d} and was not rehearsed"
        yield Finding(REHEARSE, one.name, f"{words}: oms rehearse --promotion '{one.name}'")


def _hopeless(one: AccountCalls, limits: AlertLimits) -> bool:
    tried = one.attempts >= limits.call_attempts or one.oldest_seconds > limits.call_waiting_seconds
    return bool(one.refused) or (bool(one.waiting) and tried)


def _exhausted(one: AccountCalls) -> Finding:
    parts = []
    if one.waiting:
        tries = f", up to {one.attempts} tries" if one.attempts else ""
        parts.append(f"{one.waiting} calls wait, the oldest for {span(one.oldest_seconds)}{tries}")
    if one.refused:
        parts.append(f"{one.refused} were refused lately; oms order list --stuck, or oms order show NO, says why")
    return Finding(EXHAUSTED, f"{one.kind}:{one.vendor}/{one.shop}", "; ".join(parts))


def _stock(one: StockLag, limits: AlertLimits) -> Iterator[Finding]:
    subject = f"{one.channel}/{one.shop}"
    if one.unlooked_seconds > limits.stock_push_seconds:
        words = f"nobody has looked for changes of its stock for {span(one.unlooked_seconds)}: is a worker running?"
        yield Finding(STOCK_BEHIND, subject, words, critical=True)
    elif one.waiting and one.oldest_seconds > limits.stock_push_seconds:
        why = f"; the last answer: {one.error}" if one.error else ""
        words = f"{one.waiting} listings show old stock, the oldest for {span(one.oldest_seconds)}{why}"
        yield Finding(STOCK_BEHIND, subject, words, critical=True)
    if one.refused:
        words = f"{one.refused} listings are not taken: {one.words}"
        mend = f"oms listing list --channel {one.channel} --shop {one.shop}"
        yield Finding(STOCK_REFUSED, subject, f"{words}. Mend the listing: {mend}")


def span(seconds: float) -> str:
    """Say a length of time as people do."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
