"""Random cases from a printed seed: whatever happens in whatever order, money goes back once and never too much.

Callbacks are lost and doubled, the provider fails before and after it paid, steps run twice at once, people decide
twice and out of turn, orders ship meanwhile (AFT-3, AFT-6, AFT-7).
"""

from random import Random, SystemRandom

import pytest

from store import case_decide
from store.database import Database
from store.keyring import KeyRing
from tests.store.builders import assert_counters_add_up, key, rows, stocked
from tests.store.case_world import case_world
from tests.store.random_cases import Life, MoodyProvider, World, together

ROUNDS, LAST_ROUNDS = 12, 10
UNITS = 100_000


async def lives(database: Database, ring: KeyRing, seed: int, orders: int) -> World:
    """Live so many random orders with their cases to the end."""
    await case_world(database, ring)
    await stocked(database, ring, **dict.fromkeys("ABCDEF", UNITS))
    world = World(database, ring, MoodyProvider(seed=seed))
    many = [Life(world, f"N{n}", Random(f"{seed}:{n}")) for n in range(orders)]
    await together(life.begin() for life in many)
    for turn in range(ROUNDS):
        await together(life.anything() for life in many)
        if turn % 3 == 2:
            await world.drain()
            await notify(world, Random(f"{seed}:notify:{turn}"))
    world.provider.calm = True
    for _ in range(LAST_ROUNDS):
        await together(life.finish() for life in many)
        await world.drain()
        await notify(world, Random(seed))
    return world


async def notify(world: World, rng: Random) -> None:
    """Tell of what the provider has carried out: once, twice or never."""
    for seen in world.provider.settle():
        for _ in range(rng.randint(0, 2)):
            await world.hear(seen)


async def check(world: World, seed: int) -> int:
    """Compare all books; gives the number of cases."""
    cases = await rows(world.database, "SELECT * FROM after_sales_case ORDER BY no")
    waiting = [(one.no, one.state, one.stop, one.review) for one in cases if one.closed_at is None]
    assert not waiting, f"seed {seed}: {len(waiting)} of {len(cases)} cases still wait: {waiting[:5]}"
    twice = {no: n for no, n in world.provider.payouts.items() if n not in (0, 1)}
    assert not twice, f"seed {seed}: paid more than once: {twice}"
    money = """
        SELECT o.no, o.paid_minor, o.refunded_minor,
            coalesce((SELECT sum(amount_minor) FROM refund_grant g WHERE g.order_key = o.key), 0)::int AS granted,
            coalesce((SELECT sum(amount_minor) FROM payout p WHERE p.order_key = o.key AND p.state = 'paid'), 0)::int
                AS paid_out,
            ARRAY(SELECT channel_case_no FROM after_sales_case c WHERE c.order_key = o.key) AS theirs,
            ARRAY(SELECT no FROM after_sales_case c WHERE c.order_key = o.key) AS cases
        FROM orders o WHERE o.case_no = '' ORDER BY o.no
        """
    for one in await rows(world.database, money):
        out = world.provider.paid_for(one.no) + sum(world.by_hand[no] for no in one.cases)
        out += sum(world.by_channel[no] for no in one.theirs if no)
        assert out == one.refunded_minor, f"seed {seed}, {key(one.no)}: {out} left, {one.refunded_minor} is booked"
        assert one.refunded_minor <= one.paid_minor, f"seed {seed}, {one.no}: more went back than was paid"
        assert one.granted <= one.paid_minor, f"seed {seed}, {one.no}: {one.granted} granted of {one.paid_minor}"
    await assert_counters_add_up(world.database)
    return len(cases)


async def test_random_cases_pay_back_once_and_never_too_much(
    database: Database, ring: KeyRing, pytestconfig: pytest.Config
) -> None:
    seed = pytestconfig.getoption("--soak-seed") or SystemRandom().randrange(10**6)
    print(f"seed {seed}")
    world = await lives(database, ring, seed, 100)
    cases = await check(world, seed)
    outcomes = {one.outcome for one in await rows(database, "SELECT DISTINCT outcome FROM after_sales_case")}
    print(f"{cases} cases: {sorted(outcomes)}")
    assert cases >= 150
    assert outcomes >= {"paid", "refused", "shipped"}


@pytest.mark.soak
async def test_a_thousand_random_cases_pay_back_once_and_never_too_much(
    database: Database, ring: KeyRing, pytestconfig: pytest.Config
) -> None:
    seed = pytestconfig.getoption("--soak-seed") or SystemRandom().randrange(10**6)
    print(f"seed {seed}")
    assert await check(await lives(database, ring, seed, 600), seed) >= 1000


async def nobody_asks(*_: object) -> str:
    return ""


async def test_a_payment_by_hand_beside_a_provider_that_pays_is_found(
    database: Database, ring: KeyRing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The check is no formality: without this guard the money of some cases goes twice."""
    monkeypatch.setattr(case_decide, "_under_way", nobody_asks)
    with pytest.raises(AssertionError, match=r"left, .* is booked"):
        await check(await lives(database, ring, 7, 25), 7)
