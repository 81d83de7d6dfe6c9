"""`oms pool`, `oms stock safety`, `oms stock grade`: what people type, and how each says no (INV-1, INV-5, AFT-6)."""

from dataclasses import replace
from pathlib import Path

import pytest

from domain.shops import Role
from store.database import Database
from store.keyring import KeyRing
from store.shops import Shops
from tests.clients.worlds import WAREHOUSE, Oms, rows
from tests.connectors.worlds import NOW, OWN, QIMEN

WHY = ("--reason", "live show", "--actor", "alice")


@pytest.fixture
async def shop(oms: Oms, database: Database, cli_ring: KeyRing) -> Oms:
    """A warehouse with 20 TEE, the own shop and one on Douyin."""
    shops = Shops(database, cli_ring)
    await shops.add(QIMEN, WAREHOUSE, NOW)
    await shops.add(OWN, None, NOW)
    await shops.add(replace(OWN, vendor="douyin", code="live", role=Role.SALES), None, NOW)
    assert (await oms("stock", "set", "TEE", "20", "--warehouse", WAREHOUSE.code))[0] == 0
    return oms


async def said(oms: Oms, *words: str, code: int = 0) -> list[str]:
    found, text = await oms(*words)
    assert (found, text) == (code, text)
    return text.splitlines()


async def test_a_pool_is_made_previewed_filled_and_emptied(shop: Oms, database: Database) -> None:
    assert "no pools yet" in (await said(shop, "pool", "list"))[0]
    assert await said(shop, "pool", "add", "live", "--title", "直播", *WHY) == ["live 直播"]
    assert await said(shop, "pool", "member", "live", "douyin", *WHY) == ["douyin/* sells from live"]
    tried = await said(shop, "pool", "lock", "live", "TEE=8", *WHY, "--try")
    assert tried == ["own/mall TEE: 20 -> 12", "nothing is changed"]
    assert await said(shop, "pool", "lock", "live", "TEE=8", *WHY) == ["live: +8 units of 1 SKUs locked"]
    assert (await said(shop, "pool", "list"))[1].split() == ["live", "直播", "1", "8", "douyin/*"]
    assert (await said(shop, "pool", "show", "live"))[-1].split() == ["TEE", "8", "12"]
    assert await said(shop, "pool", "lock", "live", "--percent", "50", "--all", *WHY) == [
        "live: +6 units of 1 SKUs locked"
    ]
    shared = await said(shop, "pool", "share", "live", "50", "TEE", *WHY)
    assert shared == ["live shows 50 % of the common units of TEE"]
    await said(shop, "pool", "add", "spare", *WHY)
    assert await said(shop, "pool", "transfer", "live", "spare", "TEE=4", *WHY) == [
        "live: -4 units of 1 SKUs locked",
        "spare: +4 units of 1 SKUs locked",
    ]
    assert await said(shop, "pool", "release", "live", "--all", *WHY) == ["live: -10 units of 1 SKUs locked"]
    assert await said(shop, "pool", "member", "live", "douyin", "--leave", *WHY) == [
        "douyin/* sells from no pool of its own now"
    ]
    assert await said(shop, "pool", "remove", "live", *WHY) == ["live is removed"]
    assert {row.actor for row in await rows(database, "audit") if row.action.startswith("pool.")} == {"alice"}


async def test_what_a_pool_cannot_do_it_says_in_one_line(shop: Oms) -> None:
    await said(shop, "pool", "add", "live", *WHY)
    for words, told in [
        (("lock", "live", "TEE=21"), "TEE: 21 wanted, and 20 free (20 on hand"),
        (("lock", "live", "TEE"), "'TEE' is not SKU=UNITS"),
        (("lock", "live", "TEE=1", "TEE=2"), "TEE is there twice"),
        (("lock", "live", "--percent", "40"), "--percent goes with SKUs, or with --all"),
        (("release", "live", "TEE=1"), "pool live has 0 locked"),
        (("share", "live", "some", "TEE"), "'some' is neither a number from 0 to 100 nor `whole`"),
        (("member", "live", "amazon"), "no shop amazon/* that sells is connected"),
        (("show", "nope"), "no pool 'nope'"),
        (("lock", "live", "TEE=1", "--actor", " "), "say who and why"),
    ]:
        why = WHY[:2] if words[0] != "show" else ()
        (line,) = await said(shop, "pool", *words, *why, code=2)
        assert told in line


async def test_a_number_is_explained_per_shop(shop: Oms) -> None:
    await said(shop, "pool", "add", "live", *WHY)
    await said(shop, "pool", "member", "live", "douyin/live", *WHY)
    await said(shop, "pool", "lock", "live", "TEE=8", *WHY)
    assert await said(shop, "stock", "safety", "TEE", "5", *WHY) == ["+ TEE (not core): 5"]
    shown = await said(shop, "stock", "show", "TEE")
    assert shown[1].split() == ["TEE", "20", "0", "0", "20", "8"]
    assert shown[2:] == [
        "GZ01 广州仓: 20 good (0 allocated), 0 defective, 0 in quarantine, 0 in transit",
        "pool live: 8 locked",
        "safety stock for every channel that is not core: 5",
        "douyin/live (pool live): 15",
        "  20 on hand − 8 in pools − 5 safety = 7, and 8 locked for douyin/live, which may sell 15",
        "own/mall: 12",
        "  20 on hand − 8 in pools = 12, of which own/mall may sell 12",
    ]


async def test_safety_stock_comes_from_a_file_row_by_row(shop: Oms, tmp_path: Path) -> None:
    file = tmp_path / "safety.csv"
    file.write_text("sku,channel,units\nTEE,,5\nTEE,douyin,7\n")
    ask = ("stock", "safety", "--file", str(file), *WHY)
    lines = ["+ TEE (not core): 5", "+ TEE douyin: 7"]
    assert await said(shop, *ask, "--try") == [*lines, "2 rows would change; nothing is set"]
    assert await said(shop, *ask) == lines
    assert await said(shop, *ask) == ["it is so already"]
    file.write_text("sku,channel,units\nTEE,,9\nTEE,7,douyin\nNONE,,1\n")
    for tried in ((), ("--try",)):
        faults = await said(shop, *ask, *tried, code=2)
        assert faults[0] == "oms: nothing is set:"
        assert faults[1].startswith("line 3: no channel '7'; known are douyin, own; units 'douyin' are no number")
        assert faults[2] == "line 4: no SKU 'NONE' is counted here"
    file.write_text("sku,units\nTEE,9\n")
    assert "it must name sku, channel, units" in (await said(shop, *ask, code=2))[0]
    assert await said(shop, "stock", "safety", "TEE", "none", *WHY) == ["- TEE (not core): 5"]


async def test_units_get_another_grade(shop: Oms) -> None:
    place = ("--warehouse", WAREHOUSE.code, *WHY)
    moved = await said(shop, "stock", "grade", "TEE", "3", "--from", "good", "--to", "quarantine", *place)
    assert moved == ["TEE in GZ01: 3 units were good and are quarantine now"]
    assert "17 good (0 allocated), 0 defective, 3 in quarantine" in "\n".join(await said(shop, "stock", "show", "TEE"))
    refused = await said(shop, "stock", "grade", "TEE", "4", "--from", "quarantine", "--to", "good", *place, code=2)
    assert "TEE: GZ01 has 3 quarantine units" in refused[0]
