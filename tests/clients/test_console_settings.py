"""A settings document as a form: the same after a round trip, faults in words, rows in order, differences (CFG-1)."""

import json
import random
from collections.abc import Iterator
from copy import deepcopy
from typing import Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field

from clients.console.setting_diff import compare
from clients.console.setting_draw import Sheet, draw
from clients.console.setting_faults import faults_of
from clients.console.setting_form import change, entries, pasted, read_form
from clients.console.setting_shapes import MISSING, Keyed, Kind, Leaf, Record, Shape, record_of
from clients.console.setting_shapes import Table as TableShape
from clients.console.setting_values import read, shown
from clients.console.setting_words import LABELS
from domain.errors import BadInput
from store import settings_docs
from store.durations import Duration
from store.settings_faults import schema

KINDS = sorted(settings_docs.DOCUMENTS)


class Rung(BaseModel):
    """Whom to tell, and when."""

    after: Duration
    who: Literal["agent", "admin"]


class Limit(BaseModel):
    """When a row holds."""

    channels: tuple[Literal["taobao", "douyin"], ...] = ()
    amount_minor: int | None = Field(None, ge=1)


class Row(BaseModel):
    """One row of a decision table."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1)
    when: Limit = Limit()
    within: Duration
    text: str = Field("", max_length=500)
    rungs: tuple[Rung, ...] = ()
    last: Rung | None = None


class Table(BaseModel):
    """A decision table; the first row that holds wins."""

    rows: tuple[Row, ...] = Field(min_length=1)


FORM = record_of(Table.model_json_schema())
TWO: dict[str, Any] = {
    "rows": [
        {
            "name": "small",
            "when": {"channels": ["douyin"], "amount_minor": 1250},
            "within": {"live": 5400, "demo": 0.5},
            "rungs": [{"after": {"live": 60, "demo": 1}, "who": "admin"}],
        },
        {"name": "rest", "within": {"live": 172800, "demo": 3}, "text": "one\ntwo", "last": None},
    ]
}


def names(shape: Shape) -> Iterator[str]:
    """Give every name of a field in a shape."""
    match shape:
        case Record():
            for one in shape.fields:
                yield from (one.name, *names(one.shape))
        case TableShape():
            yield from names(shape.row)
        case Keyed():
            yield from names(shape.value)


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> str:
    """A kind of document with every shape."""
    monkeypatch.setitem(settings_docs.DOCUMENTS, "table", Table)
    return "table"


def shipped(kind: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((settings_docs.DEFAULTS / f"{kind}.json").read_text())
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_a_shipped_document_that_nobody_touched_comes_back_identical(kind: str) -> None:
    body, form = shipped(kind), record_of(schema(kind))
    sent = entries(form, body)
    assert read_form(form, deepcopy(body), sent) == body
    assert faults_of(kind, form, body) == []
    html = str(draw(form, body, Sheet({})))
    assert all(f'name="{name}"' in html for name in sent)


@pytest.mark.parametrize("kind", KINDS)
def test_every_value_of_a_shipped_document_is_read_back_from_its_words_alone(kind: str) -> None:
    """The same words typed over another document give the first one: nothing is kept only because it was there."""
    body, form = shipped(kind), record_of(schema(kind))
    other = json.loads(json.dumps(body), parse_int=lambda n: int(n) + 7, parse_float=lambda n: float(n) + 7)
    assert other != body or kind == "status_map"
    assert read_form(form, other, entries(form, body)) == body


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_of_a_shipped_document_has_a_chinese_label(kind: str) -> None:
    assert [name for name in names(record_of(schema(kind))) if name not in LABELS] == []


def test_nested_rows_options_and_long_texts_come_back_identical(table: str) -> None:
    assert read_form(FORM, deepcopy(TWO), entries(FORM, TWO)) == TWO
    html = str(draw(FORM, TWO, Sheet({})))
    assert all(f'name="{name}"' in html for name in entries(FORM, TWO))
    assert faults_of(table, FORM, TWO) == []


@pytest.mark.parametrize(
    ("words", "seconds"),
    [("30 分钟", 1800), ("1.5 小时", 5400), ("1小时30分", 5400), ("２ 天", 172800), ("0.25 秒", 0.25), ("90s", 90)],
)
def test_a_duration_is_written_as_people_do(words: str, seconds: float) -> None:
    leaf = Leaf(Kind.SPAN)
    assert read(leaf, words, MISSING) == seconds
    assert read(leaf, shown(leaf, seconds), MISSING) == seconds


def test_any_duration_and_amount_survives_its_words() -> None:
    seed = 20261128
    print(f"seed {seed}")
    draws = random.Random(seed)
    for _ in range(300):
        seconds = draws.choice([draws.randrange(1, 10**7), round(draws.uniform(0.001, 10**5), 3)])
        assert read(Leaf(Kind.SPAN), shown(Leaf(Kind.SPAN), seconds), MISSING) == seconds
        cents = draws.randrange(-(10**9), 10**9)
        assert read(Leaf(Kind.MONEY), shown(Leaf(Kind.MONEY), cents), MISSING) == cents


@pytest.mark.parametrize(
    ("entry", "typed", "told"),
    [
        ("f:rows.0.within.live", "30", "规则 · 第 1 行 · within · 正式：要写时长和单位，例如 30 分钟、2 小时、1.5 天"),
        ("f:rows.0.within.demo", "0 秒", "规则 · 第 1 行 · within · 演示：要大于 0.0"),
        ("f:rows.1.name", "", "规则 · 第 2 行 · 名称：至少 1 个字"),
        (
            "f:rows.0.when.amount_minor",
            "1.234",
            "规则 · 第 1 行 · 条件 · amount_minor：要填金额，最多两位小数，例如 12.50",
        ),
        ("f:rows.0.when.amount_minor", "-1", "规则 · 第 1 行 · 条件 · amount_minor：不能小于 1"),
        ("f:rows.0.rungs.0.who", "boss", "规则 · 第 1 行 · 升级 · 第 1 行 · who：只能是 'agent' or 'admin'"),
    ],
)
def test_a_fault_is_told_in_words_beside_its_cell_and_keeps_what_was_typed(
    table: str, entry: str, typed: str, told: str
) -> None:
    body = read_form(FORM, deepcopy(TWO), entries(FORM, TWO) | {entry: typed})
    (fault,) = faults_of(table, FORM, body)
    assert (fault.name, f"{fault.place}：{fault.words}") == (entry, told)
    html = str(draw(FORM, body, Sheet({fault.name: fault.words})))
    assert f'id="fault:{entry}"' in html
    if entry != "f:rows.0.when.amount_minor" or typed != "-1":
        assert f'value="{typed}"' in html


def test_a_number_in_quotes_is_a_fault_even_where_the_schema_would_take_it() -> None:
    form = record_of(schema("risk"))
    (fault,) = faults_of("risk", form, shipped("risk") | {"ip_orders": "5"})
    assert (fault.name, fault.words) == ("f:ip_orders", "要填整数")


def test_rows_are_added_moved_copied_and_deleted(table: str) -> None:
    body = deepcopy(TWO)
    assert change(FORM, body, "down", ("rows", 0)) == ("rows", 1)
    assert [one["name"] for one in body["rows"]] == ["rest", "small"]
    assert change(FORM, body, "up", ("rows", 0)) == ("rows", 0)
    assert change(FORM, body, "add", ("rows",)) == ("rows", 2)
    assert {one.name for one in faults_of(table, FORM, body)} >= {"f:rows.2.name", "f:rows.2.within.live"}
    change(FORM, body, "delete", ("rows", 2))
    change(FORM, body, "copy", ("rows", 1))
    change(FORM, body, "add", ("rows", 0, "rungs"))
    change(FORM, body, "set", ("rows", 0, "last"))
    assert [len(one.get("rungs", ())) for one in body["rows"]] == [1, 1, 1]
    assert set(body["rows"][0]["last"]) == {"after", "who"}
    change(FORM, body, "unset", ("rows", 0, "last"))
    assert body["rows"][0]["last"] is None


@pytest.mark.parametrize(("what", "path"), [("delete", ("rows", 9)), ("add", ("no",)), ("fly", ("rows", 0))])
def test_a_press_on_a_row_that_is_not_there_is_refused(what: str, path: tuple[int | str, ...]) -> None:
    with pytest.raises(BadInput, match="请再试一次"):
        change(FORM, deepcopy(TWO), what, path)


def test_a_duration_that_may_be_left_out_is_two_empty_entries_and_comes_and_goes_with_them() -> None:
    body, form = shipped("sla"), record_of(schema("sla"))
    assert "warn_seconds" not in body["rows"][1]
    written = {"f:rows.1.warn_seconds.live": "1 小时", "f:rows.1.warn_seconds.demo": "2 秒"}
    warned = read_form(form, deepcopy(body), entries(form, body) | written)
    assert warned["rows"][1]["warn_seconds"] == {"live": 3600, "demo": 2}
    half = read_form(form, deepcopy(body), entries(form, body) | {"f:rows.1.warn_seconds.live": "1 小时"})
    assert [(one.name, one.words) for one in faults_of("sla", form, half)] == [("f:rows.1.warn_seconds.demo", "必填")]
    emptied = read_form(form, warned, entries(form, warned) | dict.fromkeys(written, ""))
    assert emptied["rows"][1]["warn_seconds"] is None
    assert faults_of("sla", form, emptied) == []


def test_two_rows_never_get_one_key() -> None:
    body, form = shipped("status_map"), record_of(schema("status_map"))
    where = list(body["channels"]).index("douyin")
    sent = entries(form, body)
    first, second = f"k:channels.{where}.0", f"k:channels.{where}.1"
    with pytest.raises(BadInput, match="出现了两次"):
        read_form(form, body, sent | {second: sent[first]})
    renamed = read_form(form, body, sent | {second: " 777 "})
    assert "777" in renamed["channels"]["douyin"]
    change(form, renamed, "add", ("channels", where))
    (fault,) = faults_of("status_map", form, renamed)
    assert fault.words == "请填写名称"
    with pytest.raises(BadInput, match="请先填好"):
        change(form, renamed, "add", ("channels", where))


def test_differences_name_the_cell_and_a_moved_row_is_one_line() -> None:
    after = deepcopy(TWO)
    after["rows"][0]["within"]["live"] = 7200
    assert [(one.place, one.before, one.after) for one in compare(FORM, TWO, after)] == [
        ("规则 · 第 1 行 · within", "90 分钟（演示 0.5 秒）", "2 小时（演示 0.5 秒）")
    ]
    swapped = {"rows": TWO["rows"][::-1]}
    (moved,) = compare(FORM, TWO, swapped)
    assert moved.after in {"移到第 1 行", "移到第 2 行"}
    (gone,) = compare(FORM, TWO, {"rows": TWO["rows"][:1]})
    assert (gone.place, gone.after) == ("规则 · 第 2 行", "—")


@pytest.mark.parametrize("words", ["{", "[]", '{"a": 1, "a": 2}', ""])
def test_json_that_is_no_document_is_refused_with_the_place(words: str) -> None:
    with pytest.raises(BadInput, match=r"JSON|出现了两次"):
        pasted(words)


@pytest.mark.parametrize(
    "body", [{}, {"rows": {}}, {"rows": [1, None]}, {"rows": None, "more": 1}, {"rows": [{"when": 3}]}]
)
def test_a_senseless_document_is_drawn_and_told_never_a_crash(table: str, body: dict[str, Any]) -> None:
    found = faults_of(table, FORM, body)
    assert found
    draw(FORM, body, Sheet({one.name: one.words for one in found}))
    assert read_form(FORM, deepcopy(body), entries(FORM, body)) == body
    compare(FORM, TWO, body)
