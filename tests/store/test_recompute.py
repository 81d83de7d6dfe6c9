"""What `make bench` measures is right: everything for every shop at once is what each shop asks for alone (INV-1)."""

from domain.pool_changes import Difference
from store.database import Database
from store.exposure import shown
from tests.benchmarks.recompute import BUNDLE_EVERY, CHANNELS, change, fill, preview, recompute
from tests.store.builders import rows

SKUS = 200


async def test_everything_in_one_go_is_what_each_shop_is_shown_and_what_the_preview_said(database: Database) -> None:
    await fill(database, SKUS)
    before, expected = await recompute(database), await preview(database)
    await change(database)
    after = await recompute(database)
    assert expected == [
        Difference(*place, sku, n, after.quantities[place][sku])
        for place, quantities in before.quantities.items()
        for sku, n in sorted(quantities.items())
        if n != after.quantities[place][sku]
    ]
    assert {one.channel for one in expected} == set(CHANNELS)
    skus = [
        row.sku for row in await rows(database, "SELECT sku FROM sku_stock UNION SELECT bundle FROM bundle_component")
    ]
    assert len(skus) == SKUS + SKUS // BUNDLE_EVERY
    for channel in CHANNELS:
        async with database.transaction() as tx:
            alone = await shown(tx, channel, "shop", skus)
        assert {sku: one.quantity for sku, one in alone.items()} == after.quantities[channel, "shop"]
