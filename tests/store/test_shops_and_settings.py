"""Shops with sealed credentials, and the settings documents that ship with the system."""

from dataclasses import replace
from datetime import timedelta

import pytest
from pydantic import ValidationError
from sqlalchemy import text

from domain.errors import BadInput
from domain.shops import Role
from store import settings_docs
from store.database import Database
from store.keyring import KeyRing
from store.settings_docs import Profile, TimingDocument
from store.shops import NewWarehouse, Shops
from tests.conftest import NOON
from tests.store.builders import COURIER, WMS, facts, rows, value

SALES = replace(
    WMS, vendor="own", code="demo", role=Role.SALES, secrets=("new-secret", "old-secret"), params={"a": "1"}
)
GZ = NewWarehouse("GZ", "广州仓", "广东省", "SF")


@pytest.fixture
def shops(database: Database, ring: KeyRing) -> Shops:
    return Shops(database, ring)


async def test_a_shop_comes_back_as_it_was_added(shops: Shops) -> None:
    await shops.add(SALES, None, NOON)
    assert await shops.find("own", "demo") == SALES
    assert await shops.find("own", "other") is None
    assert await shops.find("taobao", "demo") is None


async def test_all_shops_are_listed_by_role(shops: Shops) -> None:
    for shop in (WMS, SALES, COURIER):
        await shops.add(shop, None, NOON)
    assert await shops.all() == [COURIER, SALES, WMS]


async def test_secrets_are_sealed_and_bound_to_their_shop(database: Database, ring: KeyRing, shops: Shops) -> None:
    await shops.add(SALES, None, NOON)
    row = (await rows(database, "SELECT secrets_sealed, shop::text AS words FROM shop"))[0]
    for secret in SALES.secrets:
        assert secret.encode() not in row.secrets_sealed
        assert secret not in row.words
        assert secret not in str(await facts(database))
        assert secret not in repr(SALES)
    assert b"new-secret" in ring.open(row.secrets_sealed, "shop.secrets|own|demo")


async def test_a_second_shop_of_that_name_is_refused_and_changes_nothing(shops: Shops) -> None:
    await shops.add(SALES, None, NOON)
    with pytest.raises(BadInput, match="choose another code"):
        await shops.add(replace(SALES, secrets=("other",)), None, NOON)
    assert await shops.find("own", "demo") == SALES


async def test_a_second_warehouse_of_that_code_is_refused_together_with_its_shop(
    database: Database, shops: Shops
) -> None:
    await shops.add(WMS, GZ, NOON)
    with pytest.raises(BadInput, match="warehouse GZ exists"):
        await shops.add(replace(WMS, code="wms2"), GZ, NOON)
    assert await shops.find("qimen", "wms2") is None
    await shops.add(replace(WMS, code="wms2"), replace(GZ, code="SH"), NOON)
    ranks = await rows(database, "SELECT code, rank, shop FROM warehouse ORDER BY rank")
    assert [tuple(row) for row in ranks] == [("GZ", 0, "wms1"), ("SH", 1, "wms2")]


async def test_seeding_the_settings_again_changes_nothing(database: Database) -> None:
    before = await rows(database, "SELECT * FROM setting")
    async with database.transaction() as tx:
        await settings_docs.seed(tx, NOON + timedelta(days=1))
    assert await rows(database, "SELECT * FROM setting") == before
    assert await value(database, "SELECT count(*) FROM setting WHERE kind = 'timing' AND active") == 1


async def test_the_timing_document_gives_real_time_or_time_sped_up(database: Database) -> None:
    async with database.transaction() as tx:
        live = await settings_docs.timing(tx, Profile.LIVE)
        demo = await settings_docs.timing(tx, Profile.DEMO)
    assert (live.version, demo.version) == (1, 1)
    assert live.order.unpaid_lock_seconds == 30 * 60  # INV-2
    assert live.order.settle_seconds == 48 * 3600
    assert live.loop.courier_query_seconds == 2 * 3600
    assert demo.order.unpaid_lock_seconds < 10
    for name in live.order.__slots__:
        assert 0 < getattr(demo.order, name) < getattr(live.order, name)


async def test_a_timing_document_from_before_a_value_existed_takes_the_shipped_one(database: Database) -> None:
    async with database.transaction() as tx:
        await tx.execute(text("UPDATE setting SET body = body - 'breaker_retry_seconds' WHERE kind = 'timing'"))
        assert (await settings_docs.timing(tx, Profile.LIVE)).loop.breaker_retry_seconds == 60
        assert (await settings_docs.timing(tx, Profile.DEMO)).loop.breaker_retry_seconds == 1


@pytest.mark.parametrize(
    "broken", [{"live": 0, "demo": 1}, {"live": -1, "demo": 1}, {"live": 1}, {"live": "soon", "demo": 1}]
)
async def test_a_timing_document_with_a_senseless_duration_is_refused(
    database: Database, broken: dict[str, object]
) -> None:
    body = await value(database, "SELECT body FROM setting WHERE kind = 'timing'")
    with pytest.raises(ValidationError):
        TimingDocument.model_validate(body | {"settle_seconds": broken})
    with pytest.raises(ValidationError):
        TimingDocument.model_validate(body | {"no_such_wait_seconds": {"live": 1, "demo": 1}})
