"""What changed between two documents, in lines that people read (CFG-1)."""

from domain.differences import differences


def test_what_is_gone_new_and_changed_is_named_with_its_place() -> None:
    before = {"a": {"x": 1, "y": "old"}, "b": [1, 2], "c": {}}
    after = {"a": {"y": "新", "z": None}, "b": [2, 1], "c": {}}
    assert differences(before, after) == ["- a.x: 1", '~ a.y: "old" -> "新"', "~ b: [1, 2] -> [2, 1]", "+ a.z: null"]


def test_equal_documents_have_no_difference() -> None:
    assert differences({"a": {"b": 1}}, {"a": {"b": 1}}) == []


def test_a_group_that_becomes_empty_is_a_difference() -> None:
    assert differences({"a": {"b": 1}}, {"a": {}}) == ["- a.b: 1", "+ a: {}"]
