"""When a demo is over: what has not come by then was lost."""

from datetime import timedelta
from pathlib import Path

from clients.cli.demo_facts import DemoPlan
from clients.cli.demo_world import DemoWorld
from store.reads.pulls import PullRow
from tests.conftest import NOON


def pulled(shop: str, second: int | None) -> PullRow:
    at = None if second is None else NOON + timedelta(seconds=second)
    return PullRow("taobao", shop, at, at, 0, "")


def test_an_order_counts_as_lost_only_when_its_shops_list_was_read_anew_from_beginning_to_end(tmp_path: Path) -> None:
    """INT-2: a pull that was under way when the last order came may have missed it; the one after it has not."""
    world = DemoWorld(tmp_path, DemoPlan(1, 3))
    looks = [(0, 5), (0, 5), (2, 5), (4, 5), (4, 7), (4, 9)]
    anew = [world.pulled_anew([pulled("quick", quick), pulled("slow", slow)]) for quick, slow in looks]
    assert anew == [False, False, False, False, False, True]


def test_a_shop_whose_list_never_answered_is_not_waited_for(tmp_path: Path) -> None:
    world = DemoWorld(tmp_path, DemoPlan(1, 3))
    assert world.pulled_anew([pulled("dead", None)])
    assert not world.pulled_anew([pulled("dead", None), pulled("quick", 0)])
