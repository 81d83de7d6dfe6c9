"""A demo claims no bad day that it did not have: what was planned and never happened is a finding (OPS-1)."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from clients.cli.demo_facts import DemoPlan, Evidence, StockNews
from clients.cli.demo_kills import KILLS
from clients.cli.demo_mischief import LEAST_SHARE, PHASES, missing, planned_mischief
from clients.cli.demo_setup import sides
from simulator.settings import Config

WEBHOOKS = 1000
FAULTS = {
    "sent_repeatedly": 150,
    "reordered": 100,
    "retried": 9,
    "wms_limited": 3,
    "wms_error": 8,
    "wms_outage_calls": 5,
    "wms_unanswered": 1,
    "shop_done_unanswered": 1,
    "courier_lost_answer": 4,
    "confirms_lost": 2,
    "signatures_lost": 2,
    "payment_notices_lost": 2,
    "shop_refused": 5,
}
PLAN = DemoPlan(1, 300)


def evidence(**changed: Any) -> Evidence:
    """A day on which everything happened."""
    books = {
        "webhooks": WEBHOOKS,
        "faults": FAULTS,
        "shops": {"taobao/tm": {"limited": 2}},
        "warehouse": {"F1": {"creates": 2}},
        "supplies": [{"arrived": True}],
        "orders": {phase: {"ended_at": phase} for phase in ("", *PHASES)},
        "payments": {"D1": {}},
        "refunds": {"R-1": {"payouts": 1, "by": "merchant"}, "R-2": {"payouts": 1, "by": "shop"}},
    }
    day = Evidence(
        orders=[],
        skus=[],
        work=SimpleNamespace(messages=WEBHOOKS),
        books=books | changed,
        kills=[name for _, name in KILLS],
        told={"own:demo:D1"},
        messages={},
        replayed=5,
        phases={},
        shown=[],
        stock=StockNews(1, 1, 1, 1),
    )
    assert missing(planned_mischief(day, PLAN), day, PLAN) == [] or changed
    return day


def found(day: Evidence, plan: DemoPlan = PLAN) -> list[str]:
    return [one.subject for one in missing(planned_mischief(day, plan), day, plan)]


WORDS = {
    "sent_repeatedly": "two or three times",
    "reordered": "overtaken",
    "retried": "want of an answer",
    "wms_limited": "warehouse system's limit",
    "shop_done_unanswered": "carried out all the same",
    "courier_lost_answer": "their answer lost",
    "wms_outage_calls": "hour of outage",
    "confirms_lost": "confirms of the warehouse",
    "signatures_lost": "signatures",
    "payment_notices_lost": "notices of payment",
    "shop_refused": "change of key",
}


@pytest.mark.parametrize(("fault", "words"), WORDS.items())
def test_what_was_planned_and_never_happened_is_found(fault: str, words: str) -> None:
    (subject,) = found(evidence(faults={name: n for name, n in FAULTS.items() if name != fault}))
    assert words in subject


def test_broken_calls_are_counted_without_those_of_the_outage() -> None:
    assert found(evidence(faults=FAULTS | {"wms_error": FAULTS["wms_outage_calls"]})) == ["calls that broke with a 503"]


@pytest.mark.parametrize("fault", ["sent_repeatedly", "reordered"])
def test_a_webhook_in_twenty_is_repeated_and_one_is_overtaken(fault: str) -> None:
    least = round(WEBHOOKS * LEAST_SHARE)
    assert not found(evidence(faults=FAULTS | {fault: least}))
    assert len(found(evidence(faults=FAULTS | {fault: least - 1}))) == 1


@pytest.mark.parametrize("phase", PHASES)
def test_each_phase_needs_a_buyer_who_calls_off_in_it(phase: str) -> None:
    orders = {one: {"ended_at": one} for one in PHASES if one != phase}
    assert found(evidence(orders=orders)) == [f"orders called off {PHASES[phase]}"]


@pytest.mark.parametrize(
    ("books", "subject"),
    [
        ({"shops": {"taobao/tm": {"limited": 0}}}, "429: calls over a platform's limit"),
        ({"refunds": {"R-2": {"payouts": 1, "by": "shop"}}}, "refunds through WeChat Pay that fell to us"),
    ],
)
def test_limits_and_refunds_are_counted_where_they_are_booked(books: dict[str, Any], subject: str) -> None:
    assert found(evidence(**books)) == [subject]


def test_everybody_is_killed_and_somebody_hears_that_goods_ran_out() -> None:
    day = evidence()
    assert found(replace(day, kills=["worker", "gateway", "temporal"])) == ["kill -9 of postgres"]
    assert found(replace(day, told=set(), stock=StockNews(0, 1, 1, 1))) == ["orders for goods that had run out"]
    assert found(replace(day, stock=StockNews(1, 1, 0, 1))) == ["sales that went on after a replenishment"]


def test_a_short_run_and_a_calm_one_promise_less() -> None:
    """Three orders meet what chance brings; a calm world promises nothing."""
    rare = evidence(faults={name: n for name, n in FAULTS.items() if name != "confirms_lost"})
    assert len(found(rare)) == 1
    assert not found(rare, DemoPlan(1, 100))
    nothing = replace(evidence(), kills=[])
    assert found(nothing, DemoPlan(1, 3)) == [f"kill -9 of {name}" for _, name in KILLS]
    assert not found(nothing, DemoPlan(1, 300, calm=True))


@pytest.mark.parametrize("plan", [PLAN, DemoPlan(1, 300, days=13), DemoPlan(1, 3), DemoPlan(1, 300, calm=True)])
def test_the_simulator_knows_every_knob_that_the_demo_turns(plan: DemoPlan) -> None:
    config = Config.model_validate(sides(plan).config(18080, "http://127.0.0.1:18081"))
    assert config.orders.count == plan.count * plan.days
    assert len(config.profile.outages) == (0 if plan.calm else plan.days)
    assert (config.own.next_secret is None) is plan.calm
    turns = [one.call for one in config.profile.hangs if (one.target, one.done) == ("wms", True)]
    assert turns == sorted(set(turns))
    assert len(turns) == (0 if plan.calm or plan.count < 20 else plan.days)


def test_a_file_is_replayed_by_its_own_shop_without_other_fates(tmp_path: Path) -> None:
    config = Config.model_validate(
        sides(DemoPlan(1, 300, tmp_path / "orders.csv")).config(18080, "http://127.0.0.1:18081")
    )
    assert {one.target for one in config.profile.hangs} == {"wms", "courier", "taobao"}
    assert config.profile.never_pay_share == config.profile.scarce_demand == 0
    assert [one.shop for one in config.marketplaces] == ["tm"]
