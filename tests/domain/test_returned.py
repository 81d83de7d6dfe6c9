"""What came back, counted as what was sold: whole bundles, their components, and what is missing (AFT-3, AFT-6)."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from domain.bundles import Composed, part_lines
from domain.fulfillment import ShippedLine
from domain.returned import Back, came_back, differences

SET = Composed("1", "SET", 2, {"A": 2, "B": 4})
ALONE = Composed("2", "A", 1, {"A": 1})
SKUS = some.sampled_from("ABCD")
CAME = some.dictionaries(SKUS, some.tuples(some.integers(0, 12), some.integers(0, 12)))


@some.composite
def sold(draw: some.DrawFn) -> list[Composed]:
    """One to four lines, bundles and single goods, that may share their SKUs."""
    lines = []
    for n in range(1, draw(some.integers(1, 4)) + 1):
        units = draw(some.integers(1, 4))
        each = draw(some.dictionaries(SKUS, some.integers(1, 3), min_size=1, max_size=3))
        sku = f"SET{n}" if draw(some.booleans()) else next(iter(each))
        parts = {part: k * units for part, k in each.items()} if sku.startswith("SET") else {sku: units}
        lines.append(Composed(str(n), sku, units, parts))
    return lines


def test_components_are_announced_on_numbers_of_their_own_as_they_were_picked() -> None:
    assert part_lines([SET, ALONE]) == [
        ShippedLine("1-1", "A", 2),
        ShippedLine("1-2", "B", 4),
        ShippedLine("2", "A", 1),
    ]
    numbers = [one.line_no for one in part_lines([SET, Composed("1-1", "A", 1, {"A": 1})])]
    assert numbers == ["1--1", "1--2", "1-1"], "clear of the order's own"
    assert part_lines([SET.of(1)]) == [ShippedLine("1-1", "A", 1), ShippedLine("1-2", "B", 2)]


@pytest.mark.parametrize(
    ("came", "back", "words"),
    [
        ({"A": (3, 0), "B": (4, 0)}, [Back(2, 0), Back(1, 0)], ""),
        ({"A": (3, 0), "B": (3, 1)}, [Back(1, 1), Back(1, 0)], ""),
        ({"A": (0, 3), "B": (4, 0)}, [Back(0, 2), Back(0, 1)], ""),
        ({"A": (3, 0), "B": (3, 0)}, [Back(1, 0, 1), Back(1, 0)], "B 3 of 4; SET whole 1 of 2"),
        ({"A": (1, 0), "B": (2, 0)}, [Back(1, 0), Back(0, 0)], "A 1 of 3; B 2 of 4; SET whole 1 of 2"),
        ({"B": (1, 0)}, [Back(0, 0, 1), Back(0, 0)], "A 0 of 3; B 1 of 4; SET whole 0 of 2"),
        ({"A": (1, 0)}, [Back(0, 0), Back(1, 0)], "A 1 of 3; B 0 of 4; SET whole 0 of 2"),
        ({"A": (3, 0), "B": (5, 0), "X": (1, 0)}, [Back(2, 0), Back(1, 0)], "B 5 of 4; X was not announced"),
        ({"SET": (2, 0), "A": (1, 0)}, [Back(0, 0), Back(1, 0)], None),
    ],
)
def test_a_bundle_is_back_when_all_of_its_components_are(
    came: dict[str, tuple[int, int]], back: list[Back], words: str | None
) -> None:
    found = came_back([SET, ALONE], came)
    assert [found["1"], found["2"]] == back
    if words is not None:
        assert differences([SET, ALONE], came) == words


@given(sold())
def test_all_that_was_announced_and_comes_back_leaves_nothing_to_say(lines: list[Composed]) -> None:
    came: dict[str, tuple[int, int]] = {}
    for one in part_lines(lines):
        came[one.sku] = (came.get(one.sku, (0, 0))[0] + one.quantity, 0)
    assert {no: (one.good, one.damaged, one.begun) for no, one in came_back(lines, came).items()} == {
        line.line_no: (line.quantity, 0, 0) for line in lines
    }
    assert differences(lines, came) == ""


@given(sold(), CAME)
def test_no_unit_counts_twice_and_no_bundle_counts_without_its_parts(
    lines: list[Composed], came: dict[str, tuple[int, int]]
) -> None:
    found = came_back(lines, came)
    used: dict[str, int] = {}
    spotless: dict[str, int] = {}
    for line in lines:
        back = found[line.line_no]
        assert 0 <= back.whole + back.begun <= line.quantity
        for sku, n in line.needs(back.whole).items():
            used[sku] = used.get(sku, 0) + n
        for sku, n in line.needs(back.good).items():
            spotless[sku] = spotless.get(sku, 0) + n
    assert all(n <= sum(came.get(sku, (0, 0))) for sku, n in used.items())
    assert all(n <= came.get(sku, (0, 0))[0] for sku, n in spotless.items())
    whole = all(found[line.line_no].whole == line.quantity for line in lines)
    assert whole or differences(lines, came), "what is missing is always said"


@given(sold(), CAME, SKUS)
def test_one_more_unit_of_one_good_never_takes_a_bundle_away(
    lines: list[Composed], came: dict[str, tuple[int, int]], sku: str
) -> None:
    line = lines[0]
    good, damaged = came.get(sku, (0, 0))
    before, after = came_back([line], came), came_back([line], came | {sku: (good + 1, damaged)})
    assert after[line.line_no].whole >= before[line.line_no].whole
    assert after[line.line_no].good >= before[line.line_no].good
