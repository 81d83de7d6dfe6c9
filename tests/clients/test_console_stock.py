"""The console's words about stock: every sentence in Chinese, the formula as people say it, forms read or refused."""

import re
from dataclasses import fields
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from clients.console.frame import not_allowed
from clients.console.ledger_lines import cause, changes
from clients.console.pages.breakers import stop_badge
from clients.console.pages.ledger import past
from clients.console.pool_wishes import TEXTS, sentence, units, wish
from clients.console.stock_frame import Ask, ask, reason_of, shop_name
from clients.console.stock_sentences import bundle_sentence, total
from clients.console.stock_sentences import sentence as why
from clients.console.stock_words import BREAKERS, CAUSES, ENDS, MEASURE_STATES, MEASURES, REASONS, TERMS
from clients.console.words import said
from domain.breaker import Breaker, Cause, End
from domain.errors import BadInput
from domain.exposure import Exposure, explain
from domain.low_stock import Kind, State
from domain.permissions import Action, UserRole, may
from domain.pool_changes import Join, Leave, Lock, Release, ReleaseAll, Share, Transfer
from domain.stock import Counters
from store.reads.breakers import Stop
from store.reads.stock_ledger import LedgerLine
from tests.conftest import NOON

COUNTERS = Counters(on_hand=120, reserved=10, allocated=30)
ZONE = ZoneInfo("Asia/Shanghai")
SAYS = [
    (
        COUNTERS,
        Exposure(share_percent=40, safety=20),
        "在库 120 − 已分配 30 − 预占 10 − 安全库存 20 = 60，其中 抖店 可售 24：只展示公共库存的 40%",
    ),
    (COUNTERS, Exposure(), "在库 120 − 已分配 30 − 预占 10 = 80，其中 抖店 可售 80"),
    (Counters(on_hand=7), Exposure(), "在库 7，其中 抖店 可售 7"),
    (Counters(on_hand=7, trial_left=0), Exposure(), "在库 7，其中 抖店 可售 0：已停售"),
    (Counters(on_hand=7, trial_left=3), Exposure(), "在库 7，其中 抖店 可售 3：试销，最多再卖 3 件"),
    (Counters(on_hand=9, pooled=5), Exposure(own=5), "在库 9 − 渠道池 5 = 4，另有 5 件为它锁定，抖店 可售 9"),
    (Counters(on_hand=9), Exposure(safety=20), "在库 9 − 安全库存 20，没有剩余，其中 抖店 可售 0"),
    (Counters(on_hand=9), Exposure(weight_percent=50), "在库 9，其中 抖店 可售 4：待发货过多，只展示 50%"),
]


@pytest.mark.parametrize(("counters", "seen", "words"), SAYS)
def test_the_formula_is_said_as_people_say_it(counters: Counters, seen: Exposure, words: str) -> None:
    assert why(counters, seen, "抖店") == words


def test_every_term_reason_state_and_measure_has_words() -> None:
    assert list(TERMS) == [one.name for one in explain(COUNTERS, Exposure())]
    assert set(BREAKERS) == {one.value for one in Breaker}
    assert set(CAUSES) == {one.value for one in Cause}
    assert set(ENDS) == {one.value for one in End}
    assert set(MEASURES) == {one.value for one in Kind}
    assert set(MEASURE_STATES) == {one.value for one in State}
    assert {"reserved", "released", "expired", "by hand", "allocated", "recalled", "shipped", "set"} <= set(REASONS)


def test_the_total_names_what_pools_have_locked_and_a_bundle_its_parts() -> None:
    assert total(Counters(120, 10, 30, 5)) == "可售 80 = 在库 120 − 已分配 30 − 预占 10，其中渠道池锁定 5"
    assert bundle_sentence({"TEE": 2, "CAP": 1}, "抖店", 3) == "一套要 CAP × 1、TEE × 2：抖店 可售 3 套"


REFUSALS = [
    "the sale of TEE is not stopped: there is nothing to resume",
    "a trial is 1 to 1000000 units; without --trial the sale goes on without a limit",
    "SET is a bundle: stop or resume one of its components (A, B)",
    "proposal 3 is in_force: only one that is proposed can be accepted",
    "proposal 3 is reverted already",
    "there is no proposal 3; see oms stock proposals",
    "broken: shop live (douyin) has no access token: oms shop token douyin live",
]


@pytest.mark.parametrize("words", REFUSALS)
def test_every_refusal_about_a_sale_is_said_in_chinese(words: str) -> None:
    assert re.search(r"[\u4e00-\u9fff]", said(words))
    assert "oms" not in said(words)


WISHES = [
    ({"kind": "lock", "lines": "TEE 20\n\nCAP=3"}, Lock("p", {"TEE": 20, "CAP": 3}), "TEE 20 件、CAP 3 件"),
    ({"kind": "release", "lines": "TEE\t2"}, Release("p", {"TEE": 2}), "释放回公共库存：TEE 2 件"),
    ({"kind": "release_all"}, ReleaseAll("p"), "释放 p 的全部锁定"),
    ({"kind": "transfer", "to": "q", "lines": "TEE，2"}, Transfer("p", "q", {"TEE": 2}), "从 p 调拨给 q：TEE 2 件"),
    ({"kind": "share", "lines": "TEE CAP", "percent": "40"}, Share("p", ("TEE", "CAP"), 40), "公共库存的 40%"),
    ({"kind": "share", "lines": "TEE", "percent": ""}, Share("p", ("TEE",), None), "全部公共库存"),
    ({"kind": "join", "shop": "douyin/*"}, Join("p", (("douyin", ""),)), "抖店（整个渠道） 加入 p"),
    ({"kind": "leave", "shop": "own/mall"}, Leave("p", (("own", "mall"),)), "自营商城 / mall 退出 p"),
]


@pytest.mark.parametrize(("given", "change", "words"), WISHES)
def test_a_form_about_a_pool_is_read_and_said_back(given: dict[str, str], change: object, words: str) -> None:
    found = wish("p", given)
    assert found == change
    assert words in sentence(found)


BAD = [
    ({}, "bad_kind"),
    ({"kind": "lock", "lines": " \n"}, "no_lines"),
    ({"kind": "transfer", "lines": "TEE 1"}, "no_to"),
    ({"kind": "share", "lines": ""}, "no_skus"),
    ({"kind": "share", "lines": "TEE", "percent": "101"}, "bad_percent"),
    ({"kind": "share", "lines": "TEE", "percent": "四十"}, "bad_percent"),
    ({"kind": "join"}, "no_shop"),
]


@pytest.mark.parametrize(("given", "name"), BAD)
def test_a_form_that_cannot_be_read_says_what_to_fill_in(given: dict[str, str], name: str) -> None:
    with pytest.raises(BadInput, match=re.escape(TEXTS[name])):
        wish("p", given)


@pytest.mark.parametrize("lines", ["TEE", "TEE -4", "TEE 4.5", "TEE x", "TEE 1\nTEE 2"])
def test_lines_that_name_no_units_are_refused_by_name(lines: str) -> None:
    with pytest.raises(BadInput, match="TEE"):
        units(lines)


def test_only_the_supply_chain_and_administrators_steer_stock() -> None:
    for action in (Action.STOP_SALE, Action.CHANGE_POOLS, Action.DECIDE_PROPOSAL):
        assert {role for role in UserRole if may(role, action)} == {UserRole.ADMIN, UserRole.WAREHOUSE}
        assert "管理员、仓库" in not_allowed(action)


def test_a_form_asks_for_a_reason_and_takes_none_without() -> None:
    assert 'name="reason"' in ask(Ask("stop", "a", "b", "c"))
    assert reason_of({"reason": " why "}) == "why"
    with pytest.raises(BadInput, match="原因"):
        reason_of({"reason": "  "})


@pytest.mark.parametrize("evil", ["<script>alert(1)</script>", '"><img src=x onerror=1>'])
def test_names_never_become_markup(evil: str) -> None:
    shown = (
        ask(Ask("make", evil, evil, evil), nonce=evil)
        + str(cause(line(ref=evil)))
        + str(cause(line(ref=f"a:b:{evil}")))
    )
    assert "<script" not in shown
    assert "<img" not in shown
    assert shop_name("own", evil)


def line(reason: str = "reserved", ref: str = "own:mall:A1", **changed: int) -> LedgerLine:
    numbers = dict.fromkeys([one.name for one in fields(LedgerLine)][7:], 0)
    return LedgerLine(1, "TEE", NOON, reason, ref, "", "", **(numbers | changed))


CAUSES_SHOWN = [
    (line(), "/orders/own:mall:A1"),
    (line("allocated", "A1-1"), "/search?q=A1-1"),
    (line("shipped", "ship:A1-1:c1"), "/search?q=A1-1"),
    (line("locked", "pool:live"), "/pools/live"),
    (line("transferred", "DB2611220007"), "/stock/transfers/DB2611220007"),
    (line("received", "RK2611220007"), "/stock/inbound/RK2611220007"),
]


@pytest.mark.parametrize(("one", "address"), CAUSES_SHOWN)
def test_a_line_of_the_ledger_leads_to_what_caused_it(one: LedgerLine, address: str) -> None:
    assert f'href="{address}"' in str(cause(one))


def test_a_line_of_the_ledger_says_what_changed() -> None:
    assert changes(line(allocated=3, reserved=-3)) == "已分配 +3，预占 −3"
    assert "href" not in str(cause(line("set", "set:GZ:TEE:0")))


def test_a_past_moment_is_of_the_viewers_zone_and_never_in_the_future() -> None:
    now = datetime(2026, 11, 22, 12, tzinfo=ZoneInfo("UTC"))
    assert past("2026-11-22T18:00", now, ZONE) == now - timedelta(hours=2)
    assert past("2026-11-22T21:00", now, ZONE) == "future"
    assert [past(words, now, ZONE) for words in ("", "yesterday", "0001-01-01T00:00", "12")] == ["bad_moment"] * 4


def stop(trial_left: int | None, closed_at: datetime | None = None) -> Stop:
    return Stop(1, "TEE", "", "hand", "", NOON, "bob", None, None, closed_at, "", "", trial_left, 3, 0, 0)


def test_a_stop_shows_how_it_stands() -> None:
    shown = [stop_badge(one) for one in (stop(0), stop(4), stop(None, NOON))]
    assert [word in badge for word, badge in zip(("停售", "试销，剩 4", "已结束"), shown, strict=True)] == [True] * 3
