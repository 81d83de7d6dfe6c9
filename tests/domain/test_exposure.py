"""What a channel may sell (INV-1, INV-5, INV-7, INV-8): the one formula and its words."""

import pytest

from domain.exposure import Exposure, bundle_atp, channel_atp, explain
from domain.stock import Counters

STOCKED = Counters(on_hand=120, reserved=10, allocated=30)


@pytest.mark.parametrize(
    ("counters", "seen", "units"),
    [
        (STOCKED, Exposure(), 80),
        (STOCKED, Exposure(safety=20), 60),
        (STOCKED, Exposure(safety=20, share_percent=40), 24),
        (Counters(120, 10, 30, pooled=50), Exposure(), 30),
        (Counters(120, 10, 30, pooled=50), Exposure(own=50), 80),
        (Counters(120, 10, 30, pooled=50), Exposure(own=50, safety=40), 50),
        (STOCKED, Exposure(weight_percent=50), 40),
        (Counters(5), Exposure(safety=9), 0),
        (Counters(9, trial_left=0), Exposure(), 0),
        (Counters(9, trial_left=4), Exposure(), 4),
        (Counters(3, trial_left=4), Exposure(), 3),
    ],
)
def test_a_channel_may_sell_what_the_formula_says(counters: Counters, seen: Exposure, units: int) -> None:
    assert channel_atp(counters, seen) == units
    assert explain(counters, seen)[-1].units == units


def test_the_explanation_adds_up() -> None:
    terms = {term.name: term.units or 0 for term in explain(STOCKED, Exposure(safety=20, share_percent=40))}
    assert terms["on_hand"] + terms["reserved"] + terms["allocated"] + terms["pooled"] == terms["common"]
    assert (terms["common"] + terms["safety"]) * terms["share_percent"] // 100 == terms["channel_atp"] == 24


def test_a_bundle_is_as_many_as_its_scarcest_component_makes() -> None:
    assert bundle_atp({"A": 1, "B": 2}, {"A": 9, "B": 7}) == 3
    assert bundle_atp({"A": 1, "B": 2}, {"A": 9}) == 0
