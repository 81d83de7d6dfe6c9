"""What goes into one call that tells stock, and in which order (INV-6)."""

from domain.stock_push import Level, PushRules, batches

SHOP = PushRules(most=3)
MARKET = PushRules(most=2, one_item=True)


def level(item: str, variant: str = "", *, raised: bool = False, alone: bool = False) -> Level:
    return Level(f"S{item}{variant}", item, variant, 5, raised=raised, alone=alone)


def names(levels: list[Level], rules: PushRules) -> tuple[list[str], list[str]]:
    lowered, raised = batches(levels, rules)
    return ([" ".join(one.sku for one in batch) for batch in lowered], [" ".join(s.sku for s in b) for b in raised])


def test_lowered_quantities_are_told_before_raised_ones() -> None:
    levels = [level("1", raised=True), level("2"), level("3", raised=True), level("4")]
    assert names(levels, SHOP) == (["S2 S4"], ["S1 S3"])


def test_no_call_is_larger_than_the_vendor_takes() -> None:
    assert names([level(str(n)) for n in range(7)], SHOP)[0] == ["S0 S1 S2", "S3 S4 S5", "S6"]


def test_where_a_call_is_about_one_item_its_variants_go_together() -> None:
    levels = [level("1", "a"), level("2", "a"), level("1", "b"), level("1", "c"), level("2", "b")]
    assert names(levels, MARKET)[0] == ["S1a S1b", "S1c", "S2a S2b"]


def test_an_item_without_variants_and_one_that_was_turned_down_go_alone() -> None:
    levels = [level("1", "a"), level("1"), level("1", "b", alone=True), level("1", "c")]
    assert names(levels, MARKET)[0] == ["S1", "S1b", "S1a S1c"]


def test_nothing_makes_no_call() -> None:
    assert batches([], SHOP) == ([], [])
