"""Is each shop heard? What its connection lacks (INT-18), and when its silence is alarming (INT-8). Owns both rules."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.watch import AlertLimits, Finding, span

CONNECTION, SILENCE = "connection", "silence"
FAILURES_TO_TELL = 3
TOKEN_SOON = timedelta(days=7)
PUSHES_LOOKED_FOR = timedelta(days=2)
"""So far back a push is looked for; only orders of half that time speak of one that is missing."""
PULL_PERIODS = 5
"""A pull that is so many periods late, and an hour at least, is not running."""


@dataclass(frozen=True, slots=True)
class Connection:
    """One shop that sells, as it stands. `pushes`, `pulls`: the ways in that it has; `token`: it needs one.

    `scheduled`: whether the engine pulls it, None when nobody asked yet. `order_at`: when its newest order came.
    `silence_seconds`: its own limit, 0 for none, None for the limit of the settings.
    """

    vendor: str
    shop: str
    since: datetime
    pushes: bool = False
    pulls: bool = False
    token: bool = False
    backup: bool = True
    scheduled: bool | None = None
    pushed_at: datetime | None = None
    pulled_at: datetime | None = None
    order_at: datetime | None = None
    pull_failures: int = 0
    pull_reason: str = ""
    has_token: bool = False
    token_expires_at: datetime | None = None
    pull_period_seconds: float = 120.0
    silence_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Lack:
    """One thing that a connection lacks: which, since or until when, the vendor's words. Not `red` is a warning."""

    what: str
    at: datetime | None = None
    words: str = ""
    red: bool = True


WORDS = {
    "push": "orders come in and nothing is pushed since {at}: is its push on at the platform, does the address fit, "
    "or what names its queue?",
    "pull_off": "its pull is switched off: one way in alone; oms shop backup turns it on",
    "unscheduled": "no pull of it is scheduled: is a worker running? See oms shop list",
    "pull_late": "it was pulled last at {at}",
    "pull_failing": "its pulls fail: {words}",
    "token_missing": "it has no access token: oms shop token",
    "token_expired": "its authorisation ended at {at}: have the seller authorise it again",
    "token_soon": "its authorisation ends at {at}: have the seller authorise it again",
}
"""What each lack means and what to do."""


def lacks(one: Connection, limits: AlertLimits, now: datetime) -> list[Lack]:
    """List what a connection lacks, worst first; empty when both of its ways are open."""
    found = [*_of_push(one, limits, now), *_of_pull(one, limits, now), *_of_token(one, now)]
    return sorted(found, key=lambda lack: not lack.red)


def _of_push(one: Connection, limits: AlertLimits, now: datetime) -> Iterator[Lack]:
    """Orders that came without any push for a while mean that nothing is pushed; a quiet shop pushes nothing either."""
    quiet, since = timedelta(seconds=limits.push_quiet_seconds), one.pushed_at or one.since
    if not one.pushes or one.order_at is None or now - one.order_at > PUSHES_LOOKED_FOR / 2:
        return
    if one.order_at - since > quiet:
        yield Lack("push", since)


def _of_pull(one: Connection, limits: AlertLimits, now: datetime) -> Iterator[Lack]:
    if not one.pulls:
        return
    if one.pushes and not one.backup:
        yield Lack("pull_off")
        return
    if one.scheduled is False:
        yield Lack("unscheduled")
    longest = timedelta(seconds=max(limits.push_quiet_seconds, PULL_PERIODS * one.pull_period_seconds))
    if one.pull_failures >= FAILURES_TO_TELL:
        yield Lack("pull_failing", one.pulled_at, one.pull_reason)
    elif now - (one.pulled_at or one.since) > longest:
        yield Lack("pull_late", one.pulled_at or one.since)


def _of_token(one: Connection, now: datetime) -> Iterator[Lack]:
    if not one.token:
        return
    if not one.has_token:
        yield Lack("token_missing")
    elif one.token_expires_at is not None and one.token_expires_at <= now:
        yield Lack("token_expired", one.token_expires_at)
    elif one.token_expires_at is not None and one.token_expires_at - now <= TOKEN_SOON:
        yield Lack("token_soon", one.token_expires_at, red=False)


def finding(one: Connection, limits: AlertLimits, now: datetime) -> Finding | None:
    """Say what of a connection is told to its owner (INT-18); None when nothing is."""
    found = lacks(one, limits, now)
    if not found:
        return None
    sentences = [
        WORDS[lack.what].format(at=f"{lack.at:%Y-%m-%d %H:%M} UTC" if lack.at else "", words=lack.words)
        for lack in found
    ]
    return Finding(CONNECTION, f"{one.vendor}/{one.shop}", "; ".join(sentences), critical=found[0].red)


def silent(one: Connection, limits: AlertLimits, now: datetime) -> Finding | None:
    """Say that a channel has brought no new order for too long (INT-8); None when it has, or is not watched."""
    limit = limits.silence_seconds if one.silence_seconds is None else one.silence_seconds
    quiet = (now - (one.order_at or one.since)).total_seconds()
    if not limit or quiet <= limit:
        return None
    words = f"no new order for more than {span(limit)}, since {one.order_at or one.since:%Y-%m-%d %H:%M} UTC"
    return Finding(
        SILENCE, f"{one.vendor}/{one.shop}", f"{words}: is it still selling, is it still heard?", critical=True
    )
