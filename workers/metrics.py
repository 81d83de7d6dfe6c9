"""Our own figures as Prometheus text. Owns their names; the SDK's (temporal_*) have an address of their own."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Protocol

from domain.lanes import EDITS, LATER, NORMAL, URGENT
from domain.watch import Backlog, EngineFigures, Figures, StoreFigures

LANES = {URGENT: "urgent", NORMAL: "normal", LATER: "later", EDITS: "edits"}
Sample = tuple[str, dict[str, str], float]
HELP = {
    "steadfast_apply_waiting": "Observations that are due and wait to be booked.",
    "steadfast_apply_oldest_seconds": "How long the oldest of them is overdue.",
    "steadfast_deliver_waiting": "Events that wait to reach their workflow.",
    "steadfast_deliver_oldest_seconds": "Age of the oldest of them.",
    "steadfast_calls_waiting": "Calls to an account that wait or are being tried again.",
    "steadfast_calls_oldest_seconds": "Age of the oldest of them.",
    "steadfast_calls_attempts": "Tries of the most tried of them.",
    "steadfast_calls_refused": "Calls that the account refused within the window of the alerts document.",
    "steadfast_orders_stuck": "Orders that wait for a person.",
    "steadfast_pull_age_seconds": "Time since a shop was last pulled whole.",
    "steadfast_stock_waiting": "Listings of a shop that show other stock than they should.",
    "steadfast_stock_oldest_seconds": "Age of the oldest change that the shop was not told of.",
    "steadfast_stock_refused": "Listings that the shop does not take.",
    "steadfast_queue_pollers": "Workers that poll a task queue for workflows and activities.",
    "steadfast_queue_waiting": "Tasks that wait in a queue, as the engine estimates.",
    "steadfast_queue_oldest_seconds": "Age of the oldest of them: schedule to start.",
    "steadfast_workflows_failing": "Running workflows whose own code fails again and again.",
    "steadfast_watch_age_seconds": "Age of these figures.",
    "steadfast_fit": "1 when this worker is fit for work, as /readyz says.",
}


QUEUE_HELP = {
    "steadfast_vendor_queue_taken": "Messages taken from the vendor's queue by this process.",
    "steadfast_vendor_queue_unparsable": "Of these, kept because nobody could read them.",
    "steadfast_vendor_queue_away_seconds": "How long the queue is out of reach, 0 when it is not.",
}


class QueueFigures(Protocol):
    """How the queue of one shop stands."""

    @property
    def vendor(self) -> str: ...
    @property
    def shop(self) -> str: ...
    @property
    def taken(self) -> int: ...
    @property
    def unparsable(self) -> int: ...
    @property
    def away_since(self) -> datetime | None: ...


def text(figures: Figures, age_seconds: float, fit: bool) -> str:
    """Write one look in the text format; a part that could not be asked is left out."""
    samples: list[Sample] = [("steadfast_watch_age_seconds", {}, age_seconds), ("steadfast_fit", {}, float(fit))]
    if figures.store is not None:
        samples += _of_store(figures.store)
    if figures.engine is not None:
        samples += _of_engine(figures.engine)
    return _written(samples, HELP)


def of_queues(takings: Iterable[QueueFigures], now: datetime) -> str:
    """Write how the queues of vendors stand in this process; nothing where there are none."""
    samples: list[Sample] = []
    for one in takings:
        shop = {"vendor": one.vendor, "shop": one.shop}
        samples.append(("steadfast_vendor_queue_taken", shop, one.taken))
        samples.append(("steadfast_vendor_queue_unparsable", shop, one.unparsable))
        away = (now - one.away_since).total_seconds() if one.away_since else 0.0
        samples.append(("steadfast_vendor_queue_away_seconds", shop, away))
    return _written(samples, QUEUE_HELP) if samples else ""


def _written(samples: list[Sample], help_of: Mapping[str, str]) -> str:
    lines: list[str] = []
    for name, help_words in help_of.items():
        found = [_line(sample) for sample in samples if sample[0] == name]
        if found:
            lines += [f"# HELP {name} {help_words}", f"# TYPE {name} gauge", *found]
    return "\n".join(lines) + "\n"


def _of_store(store: StoreFigures) -> Iterator[Sample]:
    yield from _lanes("apply", store.apply)
    yield from _lanes("deliver", store.deliver)
    for one in store.calls:
        account = {"kind": one.kind, "vendor": one.vendor, "shop": one.shop}
        yield "steadfast_calls_waiting", account, one.waiting
        yield "steadfast_calls_oldest_seconds", account, one.oldest_seconds
        yield "steadfast_calls_attempts", account, one.attempts
        yield "steadfast_calls_refused", account, one.refused
    for pull in store.pulls:
        yield "steadfast_pull_age_seconds", {"vendor": pull.vendor, "shop": pull.shop}, pull.seconds
    for lag in store.stock:
        shop = {"channel": lag.channel, "shop": lag.shop}
        yield "steadfast_stock_waiting", shop, lag.waiting
        yield "steadfast_stock_oldest_seconds", shop, lag.oldest_seconds
        yield "steadfast_stock_refused", shop, lag.refused
    yield "steadfast_orders_stuck", {}, store.stuck


def _lanes(loop: str, found: Iterable[Backlog]) -> Iterator[Sample]:
    """Give every lane a value: an empty one is 0, not absent."""
    by_lane = {one.lane: one for one in found}
    for lane, word in LANES.items():
        one = by_lane.get(lane, Backlog(lane, 0, 0.0))
        yield f"steadfast_{loop}_waiting", {"lane": word}, one.waiting
        yield f"steadfast_{loop}_oldest_seconds", {"lane": word}, one.oldest_seconds


def _of_engine(engine: EngineFigures) -> Iterator[Sample]:
    for queue in engine.queues:
        label = {"queue": queue.name}
        yield "steadfast_queue_pollers", label, len(queue.pollers)
        yield "steadfast_queue_waiting", label, queue.backlog
        yield "steadfast_queue_oldest_seconds", label, queue.oldest_seconds
    yield "steadfast_workflows_failing", {}, engine.failing


def _line(sample: Sample) -> str:
    name, labels, value = sample
    inside = ",".join(f'{key}="{_escaped(word)}"' for key, word in labels.items())
    shown = f"{value:g}" if value == value and abs(value) != float("inf") else "+Inf"
    return f"{name}{{{inside}}} {shown}" if inside else f"{name} {shown}"


def _escaped(word: str) -> str:
    return word.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
