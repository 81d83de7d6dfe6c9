"""What the watch tells somebody, and when a worker is fit for work (OPS-1, INT-16)."""

from dataclasses import replace

import pytest

from domain.watch import (
    SURGE,
    AccountCalls,
    AlertLimits,
    Backlog,
    EngineFigures,
    Figures,
    StockLag,
    StoreFigures,
    TaskQueue,
    findings,
    judged,
    span,
    unfit,
)

LIMITS = AlertLimits(15, 60, 60, 30, 900, 3600, 3600, call_attempts=8, stock_push_seconds=60)
POLLED = (TaskQueue("orders", ("me", "you")), TaskQueue("shops", ("me",)))
LABELS = TaskQueue("ocr", (), labels=True)
WELL = Figures(StoreFigures(apply=(Backlog(0, 3, 40.0),)), EngineFigures(POLLED))
PUSH = AccountCalls("push", "qimen", "gz", waiting=12, oldest_seconds=100, attempts=0)

# (what is so, kind and subject of the alert, a word that it says, whether it is critical)
ALARMS = [
    (Figures(engine=EngineFigures((TaskQueue("orders", ()),))), "no_pollers", "queue:orders", "start one", True),
    (Figures(engine=EngineFigures((LABELS,))), "no_pollers", "queue:ocr", "numbers are typed", False),
    (Figures(engine=EngineFigures(POLLED, failing=2)), "workflow_task_failures", "temporal", "2 running", True),
    (
        Figures(engine=EngineFigures((TaskQueue("shops", ("me",), 40, 31.0),))),
        "schedule_to_start",
        "queue:shops",
        "40 tasks of shops wait, the oldest for 31 s",
        False,
    ),
    (Figures(oversize_bytes=700_000), "oversize_payload", "temporal", "700,000 bytes", False),
    (
        Figures(StoreFigures(calls=(replace(PUSH, oldest_seconds=2400),))),
        "calls_exhausted",
        "push:qimen/gz",
        "12 calls wait, the oldest for 40 min",
        False,
    ),
    (
        Figures(StoreFigures(calls=(replace(PUSH, attempts=8),))),
        "calls_exhausted",
        "push:qimen/gz",
        "up to 8 tries",
        False,
    ),
    (
        Figures(StoreFigures(calls=(AccountCalls("writeback", "own", "s", refused=1),))),
        "calls_exhausted",
        "writeback:own/s",
        "1 were refused lately",
        False,
    ),
    (Figures(StoreFigures(apply=(Backlog(2, 9, 61.0),))), "lag", "apply", "apply is 61 s behind, 9 wait", False),
    (Figures(StoreFigures(deliver=(Backlog(0, 5, 7300.0),))), "lag", "deliver", "2.0 h behind", False),
]


@pytest.mark.parametrize(("figures", "kind", "subject", "word", "critical"), ALARMS)
def test_what_is_beyond_a_limit_is_told(figures: Figures, kind: str, subject: str, word: str, critical: bool) -> None:
    (found,) = (one for one in findings(figures, LIMITS) if one.kind != SURGE)
    assert (found.kind, found.subject, found.critical) == (kind, subject, critical)
    assert word in found.words
    assert kind in judged(figures) | {"oversize_payload"}


def test_what_is_within_its_limits_is_not_told() -> None:
    assert findings(replace(WELL, store=replace(StoreFigures(), calls=(replace(PUSH, attempts=7),))), LIMITS) == []
    assert findings(WELL, LIMITS) == []


def test_what_could_not_be_asked_is_not_judged() -> None:
    assert judged(Figures(away=("database: gone", "Temporal: gone"))) == frozenset()
    assert "no_pollers" not in judged(replace(WELL, engine=None))
    assert "lag" not in judged(replace(WELL, store=None))


@pytest.mark.parametrize(
    ("figures", "identity", "reasons"),
    [
        (WELL, "me", []),
        (WELL, "you", ["does not poll shops"]),
        (replace(WELL, store=StoreFigures(deliver=(Backlog(0, 2, 90.0),))), "me", ["deliver is 90 s behind, 2 wait"]),
        (Figures(away=("database: gone",)), "me", ["database: gone"]),
        (replace(WELL, engine=EngineFigures(POLLED, failing=9)), "me", []),  # no restart would mend that
    ],
)
def test_a_worker_is_fit_when_it_polls_and_nothing_lags(figures: Figures, identity: str, reasons: list[str]) -> None:
    assert unfit(figures, LIMITS, identity) == reasons


@pytest.mark.parametrize(("seconds", "words"), [(0, "0 s"), (119, "119 s"), (120, "2 min"), (7200, "2.0 h")])
def test_a_length_of_time_is_said_as_people_do(seconds: float, words: str) -> None:
    assert span(seconds) == words


def test_a_shop_whose_stock_is_behind_or_refused_or_not_looked_at_is_told() -> None:
    lags = (
        StockLag("own", "well", waiting=3, oldest_seconds=5),
        StockLag("own", "late", waiting=2, oldest_seconds=61, error="HTTP 503"),
        StockLag("taobao", "dead", unlooked_seconds=90),
        StockLag("douyin", "dy", refused=2, words="TEE: refused (5)"),
    )
    found = findings(Figures(StoreFigures(stock=lags)), LIMITS)
    assert [(one.kind, one.subject, one.critical) for one in found] == [
        ("stock_behind", "own/late", True),
        ("stock_behind", "taobao/dead", True),
        ("stock_refused", "douyin/dy", False),
    ]
    assert found[0].words == "2 listings show old stock, the oldest for 61 s; the last answer: HTTP 503"
    assert found[2].words.startswith("2 listings are not taken: TEE: refused (5). Mend the listing: oms listing list")


def test_a_worker_is_fit_though_nobody_reads_labels() -> None:
    assert unfit(Figures(StoreFigures(), EngineFigures((*POLLED, LABELS))), LIMITS, "me") == []


@pytest.mark.parametrize(
    ("lanes", "was", "now"),
    [
        ((Backlog(0, 5, 47.0),), False, False),
        ((Backlog(0, 5, 49.0),), False, True),
        ((Backlog(1, 5, 49.0),), False, True),
        ((Backlog(2, 900, 4000.0),), False, False),
        ((Backlog(0, 5, 25.0),), True, True),
        ((Backlog(0, 5, 23.0),), True, False),
        ((), True, False),
    ],
)
def test_what_no_order_waits_for_goes_off_first_and_comes_back_by_itself(
    lanes: tuple[Backlog, ...], was: bool, now: bool
) -> None:
    """INT-15: off above 80 % of the lag that is an alert, on again below 40 %; what may wait does not count."""
    for store in (StoreFigures(apply=lanes, surge=was), StoreFigures(deliver=lanes, surge=was)):
        found = [one for one in findings(Figures(store), LIMITS) if one.kind == "surge"]
        assert bool(found) is now
