"""Cases as people see them: a queue by deadline, a page with its arithmetic, reports (EXC-4, AFT-3, 5, 8, 9)."""

from datetime import timedelta
from typing import Any

import pytest

from domain.after_sales import CaseKind, CaseState, Choice, Origin
from domain.errors import BadInput, Refused
from domain.photos import Photo
from store import case_photos
from store.case_owner import hand_over
from store.case_photos import PhotoKind
from store.database import Database
from store.keyring import KeyRing
from store.reads.case_offers import CaseOffers
from store.reads.case_page import CasePage, CasePages
from store.reads.case_reports import CaseReports, Period
from store.reads.cases import OPEN_STATES, CaseFilter, CaseReads
from store.reads.pages import Place
from store.replay import By
from store.settings_docs import Profile
from store.settings_trial import try_out
from store.settings_versions import SettingVersions
from tests.conftest import NOON
from tests.store.builders import change, key
from tests.store.case_world import CaseWorld, case_world
from tests.store.test_console_indexes import plans

MANY = """
    INSERT INTO after_sales_case (no, order_key, channel, shop, kind, origin, state, request_key, reason, currency,
        owner, step_since, due_at, opened_at, closed_at)
    SELECT 'X' || n, :key, 'own', 'demo', (ARRAY['refund', 'return', 'exchange'])[n % 3 + 1], 'buyer',
        CASE WHEN n % 2 = 0 THEN 'closed' ELSE (ARRAY['review', 'paying', 'returning'])[n % 3 + 1] END, 'x' || n,
        'other', 'CNY', CASE WHEN n % 5 = 0 THEN 'ann' ELSE '' END, :now,
        CASE WHEN n % 2 = 1 AND n % 3 < 2 THEN CAST(:now AS timestamptz) + n * interval '1 minute' END, :now,
        CASE WHEN n % 2 = 0 THEN CAST(:now AS timestamptz) END
    FROM generate_series(1, :many) n
"""


@pytest.fixture
async def world(database: Database, ring: KeyRing) -> CaseWorld:
    return await case_world(database, ring)


async def page(world: CaseWorld, no: str) -> CasePage:
    found = await CasePages(world.database, world.ring).page(no)
    assert found is not None
    return found


async def reviewed(world: CaseWorld, **more: Any) -> str:
    """A refund after delivery that waits for an agent."""
    await world.delivered_order(A=2)
    no = await world.open(CaseKind.REFUND, reason="other", origin=Origin.AGENT, units={"1": 2}, **more)
    assert (await world.look(no)).state is CaseState.REVIEW
    return no


async def test_the_queue_is_by_deadline_then_by_age_and_leaves_out_what_is_closed(world: CaseWorld) -> None:
    await world.delivered_order(A=2)
    await change(world.database, MANY, key=key(), now=NOON, many=12)
    reads = CaseReads(world.database)
    rows = (await reads.page(CaseFilter())).rows
    assert [row.no for row in rows] == ["X1", "X3", "X7", "X9", "X11", "X5"]
    due = [row.due_at for row in rows if row.due_at]
    assert due == sorted(due)
    assert [row.due_at is None for row in rows] == sorted(row.due_at is None for row in rows)
    assert all(row.closed_at is None for row in rows)
    assert {row.state for row in (await reads.page(CaseFilter(state="closed"))).rows} == {"closed"}
    counts = await reads.counts(NOON + timedelta(minutes=4), NOON + timedelta(hours=1), "ann")
    assert str(counts.open) == str(len(rows))
    assert sum(count.n for count in counts.by_state.values()) == len(rows)
    assert counts.overdue.n == sum(one <= NOON + timedelta(minutes=4) for one in due)
    assert set(counts.by_state) == set(OPEN_STATES)


async def test_every_filter_of_many_cases_is_served_by_an_index_and_pages_stay_whole(
    fresh: Database, ring: KeyRing
) -> None:
    """OPS-6: 10,000 cases; no filter reads the table from end to end."""
    world = await case_world(fresh, ring)
    await world.delivered_order(A=2)
    await change(fresh, MANY, key=key(), now=NOON, many=10_000)
    await change(fresh, "ANALYZE after_sales_case")
    reads, until = CaseReads(fresh), NOON + timedelta(hours=1)
    narrow = [
        CaseFilter(),
        CaseFilter(state="review"),
        CaseFilter(state="closed"),
        CaseFilter(kind="exchange"),
        CaseFilter(channel="own"),
        CaseFilter(shop="demo"),
        CaseFilter(owner="ann"),
        CaseFilter(nobodys=True),
        CaseFilter(due_before=NOON + timedelta(minutes=30)),
        CaseFilter(reason="other", closed_too=True),
        CaseFilter(dimension="sku", value="A", closed_too=True),
        CaseFilter(opened_from=NOON, opened_to=until, closed_too=True),
    ]
    for wanted in narrow:
        nodes = await plans(fresh, reads.page(wanted), seqscan=False)
        assert not [
            one for one in nodes if one["Node Type"] == "Seq Scan" and one["Relation Name"] == "after_sales_case"
        ]
        first = await reads.page(wanted, rows=5)
        if first.next:
            after = await reads.page(wanted, Place(first.next), rows=5)
            back = await reads.page(wanted, Place(after.previous, back=True), rows=5)
            assert [row.no for row in back.rows] == [row.no for row in first.rows]
            assert not {row.no for row in first.rows} & {row.no for row in after.rows}
    assert str((await reads.counts(NOON, until)).open) == "1000+"


async def test_a_filter_that_cannot_be_is_refused(world: CaseWorld) -> None:
    for wanted in (CaseFilter(state="gone"), CaseFilter(kind="gift"), CaseFilter(dimension="moon", value="x")):
        with pytest.raises(BadInput):
            await CaseReads(world.database).page(wanted)


async def test_a_case_is_found_by_its_number_its_order_and_both_parcels(world: CaseWorld) -> None:
    await world.delivered_order(A=2)
    no = await world.open(CaseKind.RETURN)
    await world.look(no)
    await world.decide(no, Choice.WAYBILL, actor="buyer", waybill_no="SF99")
    reads = CaseReads(world.database)
    for words in (no, no.lower(), "T1", key(), "SF99", "SF1"):
        assert [row.no for row in await reads.find([words])] == [no], words
    assert await reads.find(["nothing"]) == []
    assert [row.no for row in await reads.of_order(key())] == [no]


async def test_the_page_shows_the_money_line_by_line_before_and_after_the_grant(world: CaseWorld) -> None:
    """AFT-3: what is shown adds up, and stays what it was when the money was granted."""
    no = await reviewed(world, wanted_minor=1500)
    before = (await page(world, no)).money
    assert (before.paid_minor, before.earlier_minor, before.cap_minor) == (2000, 0, 2000)
    assert [(step.units, step.share_minor, step.amount_minor) for step in before.steps] == [(2, 2000, 2000)]
    assert (before.most_minor, before.due_minor, before.settled) == (2000, 1500, False)
    assert (await world.decide(no, Choice.APPROVE, amount_minor=1200)).taken
    await world.look(no)
    found = await page(world, no)
    assert found.grant is not None
    assert found.payout is not None
    assert (found.grant.amount_minor, found.payout.state, found.payout.way) == (1200, "wanted", "provider")
    assert (found.money.due_minor, found.money.settled, found.money.earlier_minor) == (1200, True, 0)
    assert found.policy_name == "其他"
    assert "case.approve" in [one.action for one in found.entries]
    await world.drain()
    await world.look(no)
    assert (await page(world, no)).money.earlier_minor == 0
    offer = await CaseOffers(world.database, Profile.LIVE).offer(key())
    assert offer is not None
    assert (offer.cap_minor, offer.lines[0].left) == (800, 0)


async def test_what_may_be_asked_for_names_each_count_of_units_with_its_worth(world: CaseWorld) -> None:
    await world.delivered_order(A=3)
    offer = await CaseOffers(world.database, Profile.LIVE).offer(key())
    assert offer is not None
    assert offer.lines[0].worth == {1: 1000, 2: 2000, 3: 3000}
    assert await CaseOffers(world.database, Profile.LIVE).offer("own:demo:none") is None


async def test_the_buyers_words_are_opened_and_who_sees_a_photo_is_noted(world: CaseWorld) -> None:
    """SEC-1: nothing is readable in the table; each look at a photo stands in the case's story."""
    no = await reviewed(world, words="袖口破了")
    pages = CasePages(world.database, world.ring)
    assert pages.opened_words(await page(world, no)) == "袖口破了"
    async with world.database.transaction() as tx:
        picture = Photo("image/jpeg", 1, 1, b"jpeg", "abc")
        photo_id = await case_photos.save(tx, world.ring, (no, PhotoKind.EVIDENCE, "buyer"), picture, NOON)
        assert await case_photos.show(tx, world.ring, photo_id, "ann", NOON) == ("image/jpeg", b"jpeg")
    found = await page(world, no)
    assert [one.kind for one in found.photos] == ["evidence"]
    assert [one.actor for one in found.entries if one.action == "case.photo_opened"] == ["ann"]


async def test_a_case_is_handed_to_a_colleague_and_not_to_a_stranger(world: CaseWorld) -> None:
    no = await reviewed(world)
    by = By("alice", NOON)
    with pytest.raises(BadInput, match="no user 'nobody-known'"):
        await hand_over(world.database, no, "nobody-known", by)
    await hand_over(world.database, no, "", by)
    assert (await world.case(no)).owner == ""
    await world.decide(no, Choice.REFUSE, reason="看过了")
    await world.look(no)
    with pytest.raises(Refused):
        await hand_over(world.database, no, "", by)


async def test_reasons_are_counted_by_each_dimension_and_lead_to_the_same_cases(world: CaseWorld) -> None:
    """AFT-8: product, batch, packaging, courier; each figure is the length of the list behind it."""
    await world.delivered_order(A=1, B=1)
    await world.open(CaseKind.REFUND, reason="damaged", request_key="r1", units={"1": 1})
    await world.open(CaseKind.REFUND, reason="other", request_key="r2", units={"2": 1})
    period = Period(NOON, NOON + timedelta(days=1))
    reports, reads = CaseReports(world.database), CaseReads(world.database)
    assert (await reports.reasons("sku", period)).counts == {"A": {"damaged": 1}, "B": {"other": 1}}
    assert (await reports.reasons("courier", period)).counts == {"SF": {"damaged": 1, "other": 1}}
    assert (await reports.reasons("packaging", period)).counts == {"GZ|one": {"damaged": 1, "other": 1}}
    assert (await reports.reasons("batch", period)).total == 2
    for dimension in ("sku", "batch", "packaging", "courier"):
        for named, counts in (await reports.reasons(dimension, period)).counts.items():
            for reason, n in counts.items():
                wanted = CaseFilter(reason=reason, dimension=dimension, value=named, closed_too=True)
                assert len((await reads.page(wanted)).rows) == n
    assert (await reports.reasons("sku", Period(NOON - timedelta(days=9), NOON))).total == 0


async def test_cycle_times_are_measured_from_opening_to_close_and_by_step(world: CaseWorld) -> None:
    """AFT-9: mean, median, 95 %, share closed; the buyer's own time is left out of ours."""
    await world.delivered_order(A=2)
    no = await world.open(CaseKind.RETURN)
    await world.look(no)
    world.now += timedelta(hours=10)
    await world.decide(no, Choice.WAYBILL, actor="buyer", waybill_no="SF99")
    await world.look(no)
    await world.came_back("", good=1, waybill_no="SF99")
    await world.look(no)
    await world.drain()  # an hour later
    await world.look(no)
    await world.open(CaseKind.REFUND, reason="other", request_key="r2")
    found = await CaseReports(world.database).cycle(Period(NOON, world.now + timedelta(days=1)))
    assert (found.all.opened, found.all.closed, found.all.closed_percent) == (2, 1, 50)
    assert found.all.mean == pytest.approx(11)
    assert found.ours_hours == pytest.approx(1)
    steps = {one.step: one.mean for one in found.steps}
    assert steps["returning"] == pytest.approx(10)
    assert steps["paying"] == pytest.approx(1)
    assert (found.targets.mean_hours, found.targets.closed_percent) == (18, 95)


async def test_other_deadlines_are_tried_on_the_open_cases(world: CaseWorld) -> None:
    """CFG-1: the trial names each open case that would be due at another time."""
    no = await reviewed(world)
    body = (await SettingVersions(world.database).one("sla")).body
    rows = [
        row | ({"due_seconds": {"live": 3600, "demo": 3}, "warn_seconds": None, "warn_role": None}
               if row["step"] == "review" else {})
        for row in body["rows"]
    ]  # fmt: skip
    past = (await try_out(world.database, "sla", body | {"rows": rows})).past
    assert past is not None
    assert (past.tried, past.changed, past.rows[0].key) == (1, 1, no)
    assert past.rows[0].after < past.rows[0].before
