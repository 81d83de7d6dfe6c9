"""Paste anything, get the order: kinds, spellings, several at once, and what belongs to nobody (users.md: 3 s)."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from store.database import Database
from store.keyring import KeyRing
from store.order_facts import SqlOrderFacts
from store.reads.order_search import MOST_WORDS, Kind, OrderSearch, split
from store.shipping_facts import SqlShippingFacts
from tests.conftest import NOON
from tests.store.builders import PHONE, RECEIVER, TIMING, apply, confirm, key, order, package, ship, stocked

OTHER = order("26112204001234", contact=type(RECEIVER)(RECEIVER.form, "上海市", "上海市", phone="021-63001234"))


@pytest.fixture
async def shipped(database: Database, ring: KeyRing) -> Database:
    """T1 of buyer ann is shipped as SF1001; another with a long number and a landline is paid."""
    await stocked(database, ring, A=5)
    await apply(database, ring, order("T1", skus={"A": 2}, buyer_id="ann"))
    await SqlOrderFacts(database, ring).plan(key(), TIMING, NOON)
    await ship(database, confirm(package("SF1001", A=2)))
    await SqlShippingFacts(database).book_shipments(key(), TIMING, NOON)
    await apply(database, ring, OTHER, 2)
    return database


ONE = [
    ("T1", Kind.ORDER_NO, "T1"),
    (" Ｔ１\u200b\n", Kind.ORDER_NO, "T1"),
    ("t1", Kind.ORDER_NO, "T1"),
    ("订单编号：T1", Kind.ORDER_NO, "T1"),
    ("【T1】", Kind.ORDER_NO, "T1"),
    ("own:demo:T1", Kind.ORDER_KEY, "T1"),
    ("T1-1", Kind.FULFILLMENT_NO, "T1"),
    ("sf1001", Kind.WAYBILL_NO, "T1"),
    ("运单号 SF1001。", Kind.WAYBILL_NO, "T1"),
    ("ann", Kind.BUYER, "T1"),
    (PHONE, Kind.PHONE, "T1"),
    ("138 0013 8000", Kind.PHONE, "T1"),
    ("+86 138-0013-8000", Kind.PHONE, "T1"),
    ("+8613800138000", Kind.PHONE, "T1"),
    ("１３８００１３８０００", Kind.PHONE, "T1"),
    ("收货人电话：138 0013 8000", Kind.PHONE, "T1"),
    ("(021) 6300 1234", Kind.PHONE, OTHER.no),
    (OTHER.no, Kind.ORDER_NO, OTHER.no),
    ("2611", Kind.ORDER_NO_PREFIX, OTHER.no),
    ("261122040012", Kind.ORDER_NO_PREFIX, OTHER.no),
]


@pytest.mark.parametrize(("pasted", "kind", "no"), ONE)
async def test_an_order_is_found_by_whatever_is_pasted_and_the_kind_is_said(
    shipped: Database, ring: KeyRing, pasted: str, kind: Kind, no: str
) -> None:
    found = await OrderSearch(shipped, ring).find(pasted)
    assert [(hit.kind, [one.no for one in hit.orders]) for hit in found.hits] == [(kind, [no])]
    assert (found.missed, found.masked) == ([], [])


@pytest.mark.parametrize("pasted", ["261", "T", "13800138001", "%", "____", "' OR 1=1 --", "own:demo:", "SF100"])
async def test_what_belongs_to_no_order_is_said_to_be_missed(shipped: Database, ring: KeyRing, pasted: str) -> None:
    found = await OrderSearch(shipped, ring).find(pasted)
    assert found.hits == []
    assert found.missed


@pytest.mark.parametrize("pasted", ["", " \n\t", "，、；"])
async def test_nothing_pasted_finds_nothing(shipped: Database, ring: KeyRing, pasted: str) -> None:
    found = await OrderSearch(shipped, ring).find(pasted)
    assert (found.hits, found.missed, found.keys) == ([], [], [])


@pytest.mark.parametrize("masked", ["138****8000", "138 **** 8000", "+86138****8000", "138••••8000"])
async def test_a_phone_with_stars_is_named_as_such_for_nobody_can_search_it(
    shipped: Database, ring: KeyRing, masked: str
) -> None:
    found = await OrderSearch(shipped, ring).find(masked)
    assert (found.hits, found.missed, len(found.masked)) == ([], [], 1)


async def test_several_are_found_at_once_in_the_order_in_which_they_were_pasted(
    shipped: Database, ring: KeyRing
) -> None:
    pasted = f"sf1001, {OTHER.no} T1\nT1;021-63001234\tX9999\nSF1001 138 0013 8000"
    found = await OrderSearch(shipped, ring).find(pasted)
    assert [(hit.word, hit.kind) for hit in found.hits] == [
        ("sf1001", Kind.WAYBILL_NO),
        (OTHER.no, Kind.ORDER_NO),
        ("T1", Kind.ORDER_NO),
        ("02163001234", Kind.PHONE),
        (PHONE, Kind.PHONE),
    ]
    assert found.missed == ["X9999"]
    assert found.keys == [key(), key(OTHER.no)]


async def test_more_than_fifty_words_are_cut_and_the_rest_is_counted(shipped: Database, ring: KeyRing) -> None:
    found = await OrderSearch(shipped, ring).find("\n".join(["T1", *(f"X{n}" for n in range(MOST_WORDS + 4))]))
    assert found.keys == [key()]
    assert (len(found.missed), found.left_out) == (MOST_WORDS - 1, 5)


async def test_the_orders_of_a_phone_come_worst_first(shipped: Database, ring: KeyRing) -> None:
    await apply(shipped, ring, order("T3"), 3)
    found = await OrderSearch(shipped, ring).find(PHONE)
    assert found.keys == [key("T1"), key("T3")]  # T1 has a deadline


@given(st.text(max_size=200))
def test_any_text_is_taken_apart_into_words_that_the_database_takes(pasted: str) -> None:
    words = split(pasted)
    assert len(words) == len(set(words))
    assert all(word and word == word.strip() and "\0" not in word and word.encode() for word in words)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.text(min_size=1, max_size=12), max_size=5))
async def test_any_text_can_be_searched(database: Database, ring: KeyRing, lines: list[str]) -> None:
    assert (await OrderSearch(database, ring).find("\n".join(lines))).hits == []
