"""The bad day for twenty minutes, and demos from several seeds. Left to `make soak` (--soak-minutes, --soak-seed)."""

import random
from pathlib import Path

import pytest

from clients.cli.demo_facts import PER_SECOND, DemoPlan
from clients.cli.demo_world import DemoWorld
from tests.journeys import test_demo
from tests.journeys.soaking import DAY, KILLS, WATCHED, Memory, Sample, limit, prove_all, watch

MINUTES = 20
MEASURED_FROM, MEASURED_TO = 0.3, 0.9
"""Shares of the orders: before, a process still loads what it loads once (code, pools, statements, its open orders)."""


@pytest.fixture
def plan(request: pytest.FixtureRequest) -> DemoPlan:
    seed = request.config.getoption("--soak-seed")
    minutes = request.config.getoption("--soak-minutes") or MINUTES
    days = max(1, round(minutes * 60 * PER_SECOND / DAY))
    return DemoPlan(random.SystemRandom().randrange(1, 1_000_000) if seed is None else seed, DAY, days=days)


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_bad_days_without_a_pause_lose_nothing_and_memory_stays_flat(
    plan: DemoPlan, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """OPS-1: as the demo, for twenty minutes; what a process takes does not grow with the orders it has done."""
    world, memory = DemoWorld(tmp_path, plan, KILLS), Memory()
    with capsys.disabled():
        print(f"\nsoak: seed {plan.seed}, {plan.days} bad days of {plan.count} orders, {PER_SECOND} a second")
        try:
            world.start()
            watch(world, memory)
            world.settle()
            evidence = world.evidence()
        finally:
            world.stop()
        for line in memory.report():
            print(line)
        growths = {name: memory.growth(name, _measured) for name in WATCHED}
        for name, one in growths.items():
            most = limit(name, PER_SECOND)
            print(f"{name}: {one.slope:+.2f} MB a minute, at most {most:.2f}; {one.megabytes:+.1f} MB while measured")
    prove_all(evidence, plan)
    too_much = [name for name, one in growths.items() if one.too_much(limit(name, PER_SECOND))]
    assert not too_much, f"{', '.join(too_much)} grew with the orders; the report above says how"


def _measured(one: Sample) -> bool:
    return MEASURED_FROM <= one.share <= MEASURED_TO


@pytest.mark.soak
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("seed", ["1", "2", "3"])
def test_the_whole_bad_day_of_each_seed_is_proven(tmp_path: Path, seed: str) -> None:
    ended = test_demo.run_demo(tmp_path / "data", "--seed", seed)
    assert ended.exit_code == 0, ended.output
    sent, stored = test_demo.cells(ended.output, "orders sent / stored")
    assert sent == stored
