"""What changed between two documents, in lines that people read (CFG-1)."""

from domain.differences import differences, merged


def test_what_is_gone_new_and_changed_is_named_with_its_place() -> None:
    before = {"a": {"x": 1, "y": "old"}, "b": [1, 2], "c": {}}
    after = {"a": {"y": "新", "z": None}, "b": [2, 1], "c": {}}
    assert differences(before, after) == ["- a.x: 1", '~ a.y: "old" -> "新"', "~ b: [1, 2] -> [2, 1]", "+ a.z: null"]


def test_equal_documents_have_no_difference() -> None:
    assert differences({"a": {"b": 1}}, {"a": {"b": 1}}) == []


def test_a_group_that_becomes_empty_is_a_difference() -> None:
    assert differences({"a": {"b": 1}}, {"a": {}}) == ["- a.b: 1", "+ a: {}"]


def test_what_two_people_changed_apart_is_put_together_and_where_both_did_mine_stands() -> None:
    base = {"a": 1, "b": 1, "c": {"x": 1, "y": 1}, "gone": 1, "rows": [1]}
    mine = {"a": 2, "b": 1, "c": {"x": 2, "y": 1, "new": 3}, "gone": 1, "rows": [1, 2]}
    theirs = {"a": 3, "b": 4, "c": {"x": 1, "y": 5}, "rows": [0, 1]}
    assert merged(base, mine, theirs) == {"a": 2, "b": 4, "c": {"x": 2, "y": 5, "new": 3}, "rows": [1, 2]}
    assert merged(base, base, theirs) == theirs
    assert merged(base, mine, base) == mine
