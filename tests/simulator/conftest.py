"""One world per test, ended with it."""

from collections.abc import AsyncIterator, Callable

import pytest

from simulator.settings import Config
from tests.simulator.erp import Erp
from tests.simulator.market_erp import MarketErp


@pytest.fixture
async def erp_for() -> AsyncIterator[Callable[..., Erp]]:
    opened: list[Erp] = []

    def open_world(settings: Config, **habits: object) -> Erp:
        opened.append(Erp(settings, **habits))  # type: ignore[arg-type]
        return opened[-1]

    yield open_world
    for erp in opened:
        await erp.close()


@pytest.fixture
async def market_erp_for() -> AsyncIterator[Callable[[Config], MarketErp]]:
    opened: list[MarketErp] = []

    def open_world(settings: Config) -> MarketErp:
        opened.append(MarketErp(settings))
        return opened[-1]

    yield open_world
    for erp in opened:
        await erp.close()
