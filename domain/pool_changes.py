"""Changes of channel pools by people (INV-1): what each comes to, when it is refused, and what shops would then see.

A change is decided over a state and comes to a `Decided`, which the store writes down and `after` imagines: a preview
and the real thing cannot differ. Units move between the common ones and pools only; what orders hold never moves.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from domain.errors import BadInput
from domain.exposure import WHOLE
from domain.stock import Counters
from domain.stock_state import NOTHING, InPool, ShopKey, StockState, everywhere

CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}")
MOST_FAULTS = 10
"""How many SKUs that are refused are told at once."""


@dataclass(frozen=True, slots=True)
class Create:
    """A new pool, empty."""

    pool: str
    title: str = ""


@dataclass(frozen=True, slots=True)
class Rename:
    """Another title; the code stays."""

    pool: str
    title: str


@dataclass(frozen=True, slots=True)
class Delete:
    """The end of a pool that has nothing locked and nothing to get back; its shops sell from the common units."""

    pool: str


@dataclass(frozen=True, slots=True)
class Join:
    """Shops that sell from the pool from now on; an empty shop code is the whole channel."""

    pool: str
    shops: tuple[ShopKey, ...]


@dataclass(frozen=True, slots=True)
class Leave:
    """Shops that no longer do."""

    pool: str
    shops: tuple[ShopKey, ...]


@dataclass(frozen=True, slots=True)
class Lock:
    """Common units that only the pool may sell from now on, by SKU."""

    pool: str
    units: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class LockPercent:
    """So many percent of what is common now, rounded down, of these SKUs; of all of them when none is named."""

    pool: str
    skus: tuple[str, ...]
    percent: int


@dataclass(frozen=True, slots=True)
class Release:
    """Locked units that become common again."""

    pool: str
    units: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class ReleaseAll:
    """Everything that is locked of these SKUs; of all of them when none is named."""

    pool: str
    skus: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Transfer:
    """Locked units that another pool gets."""

    pool: str
    to: str
    units: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Share:
    """How much of the common units of these SKUs the pool's shops show; None is all of it."""

    pool: str
    skus: tuple[str, ...]
    percent: int | None


PoolChange = Create | Rename | Delete | Join | Leave | Lock | LockPercent | Release | ReleaseAll | Transfer | Share


@dataclass(frozen=True, slots=True)
class Decided:
    """What a change comes to: more or less locked by (pool, SKU), shares, members (None: out), titles (None: gone)."""

    units: Mapping[tuple[str, str], int] = field(default_factory=dict)
    shares: Mapping[tuple[str, str], int | None] = field(default_factory=dict)
    members: Mapping[ShopKey, str | None] = field(default_factory=dict)
    titles: Mapping[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Difference:
    """What a shop may sell of a SKU before and after a change."""

    channel: str
    shop: str
    sku: str
    before: int
    after: int


def decide(state: StockState, change: PoolChange) -> Decided:
    """Say what a change comes to; BadInput says in one sentence why it cannot be."""
    if not isinstance(change, Create):
        _known(state, change.pool)
    return _DECIDE[type(change)](state, change)


def after(state: StockState, decided: Decided) -> StockState:
    """Imagine the state once a change is made."""
    pools = {code: dict(stock) for code, stock in state.pools.items() if code not in decided.titles}
    pools |= {code: dict(state.pools.get(code, {})) for code, title in decided.titles.items() if title is not None}
    counters = dict(state.counters)
    for (pool, sku), n in decided.units.items():
        pools[pool][sku] = _more(pools[pool].get(sku, NOTHING), n)
        counters[sku] = replace(counters[sku], pooled=counters[sku].pooled + n)
    for (pool, sku), percent in decided.shares.items():
        pools[pool][sku] = replace(pools[pool].get(sku, NOTHING), share_percent=percent)
    members = {shop: pool for shop, pool in state.members.items() if shop not in decided.members}
    members |= {shop: pool for shop, pool in decided.members.items() if pool is not None}
    return replace(state, counters=counters, pools=pools, members=members)


def _more(inside: InPool, n: int) -> InPool:
    return InPool(inside.locked + n, inside.share_percent)


def differences(state: StockState, decided: Decided) -> list[Difference]:
    """List where a shop would be shown another number than now, in the order of shops and SKUs."""
    now, then = everywhere(state), everywhere(after(state, decided))
    return [
        Difference(*shop, sku, before, then[shop][sku])
        for shop, shown in sorted(now.items())
        for sku, before in sorted(shown.items())
        if before != then[shop][sku]
    ]


def pools_in(change: PoolChange, members: Mapping[ShopKey, str]) -> set[str]:
    """Name the pools whose whole stock a change concerns: with all pools of the channels whose shops come or go.

    A shop that leaves falls back to the pool of its channel, and one without a row of its own follows its channel.
    """
    if isinstance(change, Delete):
        channels = {channel for (channel, _), pool in members.items() if pool == change.pool}
    elif isinstance(change, Join | Leave):
        channels = {channel for channel, _ in change.shops}
    else:
        return {change.pool} if isinstance(change, ReleaseAll) else set()
    return {change.pool} | {pool for (channel, _), pool in members.items() if channel in channels}


def skus_in(change: PoolChange) -> tuple[str, ...]:
    """Name the SKUs that a change itself names."""
    if isinstance(change, Lock | Release | Transfer):
        return tuple(change.units)
    return change.skus if isinstance(change, LockPercent | ReleaseAll | Share) else ()


def _known(state: StockState, pool: str) -> Mapping[str, InPool]:
    if pool not in state.pools:
        raise BadInput(f"no pool {pool!r}; see oms pool list, or add it: oms pool add {pool}")
    return state.pools[pool]


def _create(state: StockState, change: Create) -> Decided:
    if not CODE.fullmatch(change.pool):
        raise BadInput(f"a pool's code is 1 to 32 letters, digits, - and _, and not {change.pool[:40]!r}")
    if change.pool in state.pools:
        raise BadInput(f"there is a pool {change.pool} already; choose another code")
    return Decided(titles={change.pool: change.title})


def _rename(state: StockState, change: Rename) -> Decided:
    return Decided(titles={change.pool: change.title})


def _delete(state: StockState, change: Delete) -> Decided:
    left = {sku: one.locked for sku, one in state.pools[change.pool].items() if one.locked}
    if left:
        units = f"{sum(left.values())} units of {len(left)} SKUs locked"
        raise BadInput(f"pool {change.pool} still has {units}; first: oms pool release {change.pool} --all")
    gone = {shop: None for shop, pool in state.members.items() if pool == change.pool}
    return Decided(members=gone, titles={change.pool: None})


def _join(state: StockState, change: Join) -> Decided:
    channels = {channel for channel, _ in state.shops}
    for channel, shop in change.shops:
        if (channel, shop) not in state.shops and not (shop == "" and channel in channels):
            raise BadInput(f"no shop {channel}/{shop or '*'} that sells is connected; see oms shop list")
    return Decided(members=dict.fromkeys(change.shops, change.pool))


def _leave(state: StockState, change: Leave) -> Decided:
    for channel, shop in change.shops:
        if state.members.get((channel, shop)) != change.pool:
            raise BadInput(f"{channel}/{shop or '*'} is no member of pool {change.pool}; see oms pool show")
    return Decided(members=dict.fromkeys(change.shops))


def _lock(state: StockState, change: Lock) -> Decided:
    _refuse(_short(state, sku, n) for sku, n in _asked(change.units))
    return Decided(units={(change.pool, sku): n for sku, n in change.units.items()})


def _lock_percent(state: StockState, change: LockPercent) -> Decided:
    _percent(change.percent, 1)
    skus = change.skus or tuple(state.counters)
    _refuse(_uncounted(state, sku) for sku in skus)
    units = {sku: max(0, state.counters[sku].common) * change.percent // WHOLE for sku in skus}
    if not any(units.values()):
        raise BadInput(f"{change.percent} % of what is free of these SKUs is less than one unit")
    return Decided(units={(change.pool, sku): n for sku, n in units.items() if n})


def _release(state: StockState, change: Release) -> Decided:
    _refuse(_missing(state, change.pool, sku, n) for sku, n in _asked(change.units))
    return Decided(units={(change.pool, sku): -n for sku, n in change.units.items()})


def _release_all(state: StockState, change: ReleaseAll) -> Decided:
    stock = state.pools[change.pool]
    _refuse(f"{sku}: pool {change.pool} has none locked" for sku in change.skus if not stock.get(sku, NOTHING).locked)
    found = {sku: stock[sku].locked for sku in change.skus or stock if stock[sku].locked}
    if not found:
        raise BadInput(f"pool {change.pool} has nothing locked")
    return Decided(units={(change.pool, sku): -n for sku, n in found.items()})


def _transfer(state: StockState, change: Transfer) -> Decided:
    _known(state, change.to)
    if change.to == change.pool:
        raise BadInput(f"{change.pool} cannot get units from itself; name another pool")
    _refuse(_missing(state, change.pool, sku, n) for sku, n in _asked(change.units))
    leaving = {(change.pool, sku): -n for sku, n in change.units.items()}
    return Decided(units=leaving | {(change.to, sku): n for sku, n in change.units.items()})


def _share(state: StockState, change: Share) -> Decided:
    if change.percent is not None:
        _percent(change.percent, 0)
    if not change.skus:
        raise BadInput("name the SKUs of which the pool shows a share")
    _refuse(_uncounted(state, sku) for sku in change.skus)
    return Decided(shares={(change.pool, sku): change.percent for sku in change.skus})


_DECIDE: dict[type[Any], Callable[[StockState, Any], Decided]] = {
    Create: _create,
    Rename: _rename,
    Delete: _delete,
    Join: _join,
    Leave: _leave,
    Lock: _lock,
    LockPercent: _lock_percent,
    Release: _release,
    ReleaseAll: _release_all,
    Transfer: _transfer,
    Share: _share,
}


def _asked(units: Mapping[str, int]) -> Sequence[tuple[str, int]]:
    if not units:
        raise BadInput("name SKUs and units: SKU=UNITS")
    for sku, n in units.items():
        if n <= 0:
            raise BadInput(f"{sku}: {n} units cannot be moved; name 1 or more")
    return sorted(units.items())


def _percent(percent: int, least: int) -> None:
    if not least <= percent <= WHOLE:
        raise BadInput(f"{percent} % is not from {least} to {WHOLE}")


def _refuse(faults: Iterable[str]) -> None:
    """Raise when there is any fault: a change is made wholly or not at all."""
    found = [fault for fault in faults if fault]
    if found:
        more = f"; and {len(found) - MOST_FAULTS} more SKUs" if len(found) > MOST_FAULTS else ""
        raise BadInput(f"{'; '.join(found[:MOST_FAULTS])}{more}. Nothing is changed")


def _uncounted(state: StockState, sku: str) -> str:
    if sku in state.counters:
        return ""
    parts = state.bundles.get(sku)
    return f"{sku} is a bundle: name its components {', '.join(parts)}" if parts else f"no SKU {sku!r} is counted"


def _short(state: StockState, sku: str, n: int) -> str:
    fault = _uncounted(state, sku)
    if fault or n <= state.counters[sku].common:
        return fault
    return f"{sku}: {n} wanted, and {_free(state.counters[sku])}"


def _free(one: Counters) -> str:
    parts = f"{one.on_hand} on hand - {one.allocated} allocated - {one.reserved} reserved - {one.pooled} in pools"
    return f"{max(0, one.common)} free ({parts})"


def _missing(state: StockState, pool: str, sku: str, n: int) -> str:
    locked = state.pools[pool].get(sku, NOTHING).locked
    return "" if n <= locked else f"{sku}: {n} wanted, and pool {pool} has {locked} locked and not sold"
