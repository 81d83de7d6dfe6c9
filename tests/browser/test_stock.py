"""The stock pages: the sale of a SKU stopped everywhere, pools rebalanced with a preview, the story of units."""

import re
from collections.abc import Awaitable, Callable

from playwright.async_api import Page, expect

from clients.clock import utc_now
from domain.by import By
from domain.permissions import UserRole
from domain.pool_changes import Create, Join, Lock, PoolChange
from store import pool_changes
from tests.browser.conftest import ready
from tests.browser.world import LONG, World

Open = Callable[..., Awaitable[Page]]
PHONE_WIDTH = 360


async def change_pool(world: World, *changes: PoolChange) -> None:
    async with world.database.transaction() as tx:
        for change in changes:
            await pool_changes.make(tx, change, By("alice", "singles' day"), utc_now())


async def test_the_sale_of_a_sku_is_stopped_everywhere_and_goes_on_as_a_trial(world: World, enter: Open) -> None:
    await world.stock("STOPME", 8)
    page = await enter("/stock", UserRole.WAREHOUSE)
    await page.fill("#stock-search", "STOPME")
    await page.keyboard.press("Enter")
    await page.get_by_role("link", name="STOPME", exact=True).click()
    await ready(page)
    await expect(page.locator("#shops table.cards tbody tr")).to_contain_text("在库 8，其中 自营商城 / mall 可售 8")
    await page.click("#act-stop")
    await page.fill("#ask-stop textarea", "质检发现脱线")
    await page.click("#ask-stop button[type=submit]")
    await expect(page.locator(".said")).to_contain_text("已在所有渠道停售")
    await expect(page.locator("#sale")).to_contain_text("人工停售，warehouse1）：质检发现脱线")
    await expect(page.locator("#shops table.cards tbody tr")).to_contain_text("可售 0：已停售")
    assert await world.value("SELECT trial_left FROM sku_stock WHERE sku = 'STOPME'") == 0
    await page.click("#act-trial")
    await page.fill("#ask-trial input[name=units]", "3")
    await page.fill("#ask-trial textarea", "先试三件")
    await page.click("#ask-trial button[type=submit]")
    await expect(page.locator("#sale")).to_contain_text("试销")
    await expect(page.locator("#shops table.cards tbody tr")).to_contain_text("可售 3：试销，最多再卖 3 件")
    await page.goto("/stock?only=stopped&q=STOPME")
    await ready(page)
    await expect(page.locator("#main tbody tr")).to_contain_text("试销，剩 3")


async def test_a_pool_is_rebalanced_after_a_preview_of_every_channel(world: World, enter: Open) -> None:
    await world.stock("REBAL", 50)
    await change_pool(world, Create("rebal", LONG), Lock("rebal", {"REBAL": 10}))
    page = await enter("/pools", UserRole.WAREHOUSE)
    await page.get_by_role("link", name=LONG).click()
    await ready(page)
    await page.fill("#lines-units", "REBAL 400")
    await page.click("#preview-units")
    await expect(page.locator(".said")).to_contain_text("REBAL 要 400 件，可用 40 件")
    await page.fill("#lines-units", "REBAL 15")
    await page.click("#preview-units")
    row = page.locator("#preview tbody tr")
    await expect(row).to_have_text(re.compile("自营商城 / mall.*REBAL.*40.*25.*−15"))
    assert await world.value("SELECT locked FROM pool_stock WHERE sku = 'REBAL'") == 10
    await page.click("#act-make")
    await page.fill("#ask-make textarea", "直播加场")
    await page.click("#ask-make button[type=submit]")
    await expect(page.locator(".said")).to_contain_text("已生效：从公共库存锁定给 rebal：REBAL 15 件")
    await expect(page.locator("#locked")).to_have_text("锁定未售 25 件，1 个 SKU")
    assert await world.value("SELECT locked FROM pool_stock WHERE sku = 'REBAL'") == 25
    why = (
        "SELECT actor || ':' || (detail ->> 'reason') FROM audit WHERE action = 'pool.locked' ORDER BY id DESC LIMIT 1"
    )
    assert await world.value(why) == "warehouse1:直播加场"


async def test_who_may_not_steer_stock_is_told_who_may(world: World, enter: Open) -> None:
    page = await enter("/stock/TEE", UserRole.AGENT)
    await expect(page.locator("#act-stop")).to_be_disabled()
    await expect(page.locator("#main")).to_contain_text("请找管理员、仓库")
    await page.evaluate("window.emitEvent('act', {act: 'stop', reason: 'x'})")
    await expect(page.locator(".said")).to_contain_text("请找管理员、仓库")
    assert await world.value("SELECT trial_left FROM sku_stock WHERE sku = 'TEE'") is None


async def test_the_story_of_a_reservation_stands_on_the_order_and_in_the_ledger(world: World, enter: Open) -> None:
    await world.stock("STORY", 20)
    key = await world.pay("STORY1", sku="STORY", units=3)
    await world.until_order(key, "logistics_status = 'pushed'")
    await world.ship("STORY1", "SF7001", sku="STORY", units=3)
    await world.until_order(key, "status = 'shipped'")
    page = await enter(f"/orders/{key}", UserRole.AGENT)
    rows = page.locator("#stock-story tbody tr")
    await expect(rows).to_have_text(
        [re.compile("下单预占.*\\+3"), re.compile("分配到仓库.*GZ01"), re.compile("发货.*−3")]
    )
    await page.locator("#stock-story a").first.click()
    await ready(page)
    await expect(page.locator("#sum")).to_have_text("可售 17 = 在库 17 − 已分配 0 − 预占 0")
    await page.goto("/ledger/STORY?reason=reserved&then=2020-01-01T00:00")
    await ready(page)
    await expect(page.locator("#then")).to_contain_text("2020-01-01 00:00 时：可售 0 = 在库 0")
    await page.get_by_role("link", name="STORY1").click()
    await expect(page.locator("#waits")).to_be_visible()


async def test_what_was_sold_out_of_what_to_whom_is_one_page(world: World, enter: Open) -> None:
    await world.stock("GONE", 1)
    for n in range(4):
        await world.until_order(await world.pay(f"GONE{n}", sku="GONE"), "logistics_status = 'pushed' OR stuck")
    page = await enter("/breakers", UserRole.WAREHOUSE)
    await page.get_by_role("link", name="GONE", exact=True).click()
    await ready(page)
    await expect(page.locator("#what")).to_have_text("3 张订单共要 3 件 GONE，没有锁到库存。")
    await expect(page.locator("#main")).to_contain_text("停售时：可售 0 = 在库 1")
    await expect(page.locator("#main")).to_contain_text("补货后自动恢复")
    await expect(page.locator("#act-resume")).to_be_enabled()


async def test_no_stock_page_is_wider_than_a_phone(world: World, enter: Open) -> None:
    await world.stock("WIDE", 9, LONG)
    await change_pool(world, Create("wide", LONG), Lock("wide", {"WIDE": 4}), Join("wide", (("own", "mall"),)))
    page = await enter("/", UserRole.ADMIN, viewport={"width": PHONE_WIDTH, "height": 740})
    for address in (
        "/stock/WIDE",
        "/ledger/WIDE",
        "/pools",
        "/pools/wide",
        "/pools/none",
        "/breakers?all=1",
        "/breakers/0",
    ):
        await page.goto(address)
        await ready(page)
        assert await page.evaluate("document.documentElement.scrollWidth") <= PHONE_WIDTH, address
