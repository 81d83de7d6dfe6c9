"""Every call to a sales channel keeps its pace and goes with a token that lives (INT-16)."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial

import pytest

from activities import channels as channels_module
from activities.channels import STOCK_SHARE, CarefulChannel, Paces, TokenKeeper
from domain.errors import OmsError, RateLimited, Refused, TokenRejected, Unavailable
from domain.fulfillment import PromiseNotice, ShipmentNotice
from domain.observations import OrderObserved
from domain.pulling import Page, Window
from domain.shops import Role, Shop, Token
from domain.stock_push import Batch, Level, ListingKey
from tests.channels import NoCases
from tests.conftest import NOON

SHOP = Shop("taobao", "tm", Role.SALES, "Asia/Shanghai", "CNY", "http://x", "k", ("secret",))
OLD = Token("old", "refresh", NOON + timedelta(hours=1), 4, NOON - timedelta(minutes=1))
LEVEL = Level("TEE", "700", "71", 5)
WINDOW = Window(NOON, NOON + timedelta(minutes=5))


@dataclass
class FakeTokens:
    """Grants or denies claims; remembers what it was told."""

    free: bool = True
    saved: list[Token] = field(default_factory=list)
    spoilt: list[int] = field(default_factory=list)
    losses: list[str] = field(default_factory=list)
    given_back: int = 0

    async def claim(self, shop: Shop, version: int, now: object) -> bool:
        return self.free

    async def save(self, shop: Shop, token: Token, now: object) -> None:
        self.saved.append(token)

    async def unclaim(self, shop: Shop) -> None:
        self.given_back += 1

    async def spoil(self, shop: Shop, version: int, now: object) -> None:
        self.spoilt.append(version)

    async def lost(self, shop: Shop, reason: str, now: object) -> None:
        self.losses.append(reason)


@dataclass
class FakeChannel(NoCases):
    """A channel with one token that may be refused."""

    token: str
    good: str = "new"
    failure: OmsError | None = None

    async def write_back(self, notice: ShipmentNotice) -> None:
        raise AssertionError("nothing is told here")

    async def tell_promise(self, notice: PromiseNotice) -> None:
        raise AssertionError("nothing is told here")

    async def read_order(self, no: str) -> tuple[OrderObserved, bytes]:
        raise AssertionError("nothing is read here")

    async def push_stock(self, batch: Batch) -> dict[ListingKey, Refused]:
        raise AssertionError("no stock is told here")

    async def pull(self, window: Window, cursor: str) -> Page:
        if self.token != self.good:
            raise TokenRejected("27")
        return Page((), b"page")

    async def renew(self) -> Token:
        if self.failure:
            raise self.failure
        return Token("new", "refresh-2", NOON + timedelta(days=7), 5)


def channel_of(shop: Shop) -> FakeChannel:
    return FakeChannel(shop.token.access if shop.token else "")


def failing(error: OmsError) -> Callable[[Shop], FakeChannel]:
    return lambda _: FakeChannel("old", failure=error)


async def no_wait() -> None:
    return


class TellingChannel(FakeChannel):
    """One that is told of stock."""

    batches = 0

    async def push_stock(self, batch: Batch) -> dict[ListingKey, Refused]:
        self.batches += 1
        return {}


def keeper(tokens: FakeTokens) -> TokenKeeper:
    return TokenKeeper(tokens, lambda: NOON)


async def test_a_token_that_is_due_is_renewed_before_the_call() -> None:
    tokens = FakeTokens()
    shop = await keeper(tokens).fresh(replace(SHOP, token=OLD), channel_of)
    assert shop.token is not None
    assert (shop.token.access, shop.token.version, len(tokens.saved)) == ("new", 5, 1)


async def test_while_another_process_renews_a_living_token_goes_on_and_a_dead_one_waits() -> None:
    tokens = FakeTokens(free=False)
    living = replace(SHOP, token=OLD)
    assert await keeper(tokens).fresh(living, channel_of) == living
    with pytest.raises(Unavailable, match="is being renewed"):
        await keeper(tokens).fresh(replace(SHOP, token=replace(OLD, expires_at=NOON)), channel_of)


async def test_a_token_that_is_not_due_or_knows_no_end_is_left_alone() -> None:
    for token in (None, replace(OLD, renew_at=None), replace(OLD, renew_at=NOON + timedelta(seconds=1))):
        shop = replace(SHOP, token=token)
        assert await keeper(FakeTokens()).fresh(shop, channel_of) == shop


@pytest.mark.parametrize("dead", [False, True])
async def test_a_refused_renewal_is_told_and_only_a_dead_token_stops_the_call(dead: bool) -> None:
    tokens = FakeTokens()
    shop = replace(SHOP, token=replace(OLD, expires_at=NOON) if dead else OLD)
    if dead:
        with pytest.raises(Unavailable, match="authorised anew"):
            await keeper(tokens).fresh(shop, failing(Refused("27", "the refresh token is dead")))
    else:
        assert await keeper(tokens).fresh(shop, failing(Refused("27", "the refresh token is dead"))) == shop
    assert tokens.losses == ["refused (27): the refresh token is dead"]
    assert tokens.saved == []


async def test_a_renewal_without_an_answer_gives_the_claim_back_so_that_the_next_call_tries_again() -> None:
    tokens = FakeTokens()
    with pytest.raises(Unavailable):
        await keeper(tokens).fresh(replace(SHOP, token=OLD), failing(Unavailable("HTTP 503")))
    assert (tokens.given_back, tokens.losses, tokens.saved) == (1, [], [])


async def test_a_renewed_token_that_could_not_be_stored_is_stored_with_the_next_call(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """INT-1: the database was killed between the vendor's answer and our commit; the refresh token works only once."""
    tokens, due = FakeTokens(), replace(SHOP, token=OLD)
    kept = keeper(tokens)
    with monkeypatch.context() as away:

        async def save(shop: Shop, token: Token, now: datetime) -> None:
            raise Unavailable("database: away")

        away.setattr(tokens, "save", save)
        with pytest.raises(Unavailable, match="away"):
            await kept.fresh(due, channel_of)
    shop = await kept.fresh(due, failing(Refused("27", "the refresh token was used")))
    assert shop.token is not None
    assert (shop.token.access, len(tokens.saved), tokens.losses) == ("new", 1, [])
    assert await kept.fresh(shop, failing(Refused("27", "nobody asks"))) == shop


async def test_a_token_that_the_vendor_rejects_is_spoilt_so_that_the_next_call_renews_it() -> None:
    tokens = FakeTokens()
    shop = replace(SHOP, token=replace(OLD, renew_at=None))
    careful = CarefulChannel(shop, channel_of(shop), no_wait, keeper(tokens))
    with pytest.raises(TokenRejected):
        await careful.pull(WINDOW, "")
    assert tokens.spoilt == [4]


async def test_calls_beyond_the_pace_wait_for_their_turn_and_other_accounts_do_not() -> None:
    paces, began = Paces(), asyncio.get_running_loop().time()
    await asyncio.gather(*(paces.take("taobao", "tm", 100) for _ in range(110)))
    assert asyncio.get_running_loop().time() - began > 0.5, "a hundred pass at once, the others a second later"
    await paces.take("taobao", "other", 100)


async def test_a_turn_that_does_not_come_soon_is_put_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channels_module, "TURNS_WAITED", 1)
    paces = Paces()
    careful = CarefulChannel(SHOP, FakeChannel("new"), partial(paces.take, "taobao", "tm", 10), keeper(FakeTokens()))
    for _ in range(10):
        await careful.pull(WINDOW, "")
    with pytest.raises(RateLimited) as told:
        await careful.pull(WINDOW, "")
    assert told.value.retry_after_seconds == channels_module.LATER_SECONDS


async def test_telling_stock_takes_its_share_of_the_pace_and_leaves_the_rest_to_parcels(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(channels_module, "TURNS_WAITED", 1)
    paces, told = Paces(), TellingChannel("new")
    pace, share = partial(paces.take, "taobao", "tm", 10), partial(paces.take, "taobao", "tm stock", 10 * STOCK_SHARE)
    careful = CarefulChannel(SHOP, told, pace, keeper(FakeTokens()), share)
    for _ in range(5):
        await careful.push_stock((LEVEL,))
    with pytest.raises(RateLimited):
        await careful.push_stock((LEVEL,))
    assert told.batches == 5
    for _ in range(5):
        await careful.pull(WINDOW, "")
    with pytest.raises(RateLimited):
        await careful.pull(WINDOW, "")
