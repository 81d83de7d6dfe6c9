"""What a channel may sell (INV-1, INV-5, INV-7, INV-8): the one formula and its words."""

import pytest

from domain.exposure import Exposure, bundle_atp, bundle_sentence, channel_atp, explain, sentence
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


LEAD = "120 on hand − 30 allocated − 10 reserved"


@pytest.mark.parametrize(
    ("counters", "seen", "words"),
    [
        (
            STOCKED,
            Exposure(safety=20, share_percent=40),
            f"{LEAD} − 20 safety = 60, of which Douyin may sell 24: its share is 40 %",
        ),
        (STOCKED, Exposure(), f"{LEAD} = 80, of which Douyin may sell 80"),
        (Counters(5), Exposure(), "5 on hand, of which Douyin may sell 5"),
        (Counters(5), Exposure(safety=9), "5 on hand − 9 safety leave nothing, of which Douyin may sell 0"),
        (
            Counters(120, 10, 30, pooled=50),
            Exposure(own=40, weight_percent=50),
            f"{LEAD} − 50 in pools = 30, and 40 locked for Douyin, which may sell 35: "
            "shown at 50 % while too much waits to be shipped",
        ),
        (Counters(9, trial_left=0), Exposure(), "9 on hand, of which Douyin may sell 0: the breaker is open"),
        (Counters(9, trial_left=4), Exposure(), "9 on hand, of which Douyin may sell 4: the breaker lets 4 through"),
    ],
)
def test_the_number_is_said_as_people_say_it(counters: Counters, seen: Exposure, words: str) -> None:
    assert sentence(counters, seen, "Douyin") == words


def test_a_bundles_number_names_its_components() -> None:
    words = "a bundle takes 1 of 9 A, 2 of 7 B: Douyin may sell 3"
    assert bundle_sentence({"B": 2, "A": 1}, {"A": 9, "B": 7}, "Douyin") == words
