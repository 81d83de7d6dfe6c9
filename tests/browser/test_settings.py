"""The settings pages: a rule changed in its table, tried on past orders, put in force and taken back (CFG-1)."""

from collections.abc import Awaitable, Callable

from playwright.async_api import Page, expect

from domain.permissions import UserRole
from store.settings_versions import SettingVersions
from tests.browser.conftest import ready
from tests.browser.world import World

Open = Callable[..., Awaitable[Page]]
VAGUE = "科技园"
"""Part of the address of every order of this world."""


async def in_force(world: World, kind: str = "risk") -> int:
    return int((await SettingVersions(world.database).one(kind)).version)


async def test_a_risk_rule_is_changed_tried_put_in_force_and_taken_back(world: World, enter: Open) -> None:
    """CFG-1: no deploy, no restart."""
    await world.until_order(await world.pay("CFG1"), "true")
    was = await in_force(world)
    page = await enter("/settings", UserRole.ADMIN)
    await page.get_by_role("link", name="风控规则").click()
    await ready(page)
    await _a_fault_stands_beside_its_cell(page)
    words = await page.locator("[name='f:address_vague_words']").input_value()
    await page.fill("[name='f:address_vague_words']", f"{words}\n{VAGUE}")
    await expect(page.locator(".unsaved")).to_be_visible()
    await page.click("#act-try")
    await expect(page.locator("#trial-sentence")).to_contain_text("个会改变")
    await expect(page.locator("#trial")).to_contain_text("地址太模糊")
    await expect(page.locator(".unsaved")).to_be_hidden()
    assert await in_force(world) == was
    await page.reload()
    await ready(page)
    await expect(page.locator("#draft")).to_contain_text("改了 1 处")
    await page.click("#act-activate")
    await page.fill("#ask-activate textarea", "科技园的地址常常不全")
    await page.click("#ask-activate button[type=submit]")
    await expect(page.locator(".said")).to_contain_text(f"第 {was + 1} 版已生效")
    await expect(page.locator("#in-force")).to_contain_text("科技园的地址常常不全")
    body = (await SettingVersions(world.database).one("risk")).body
    assert VAGUE in body["address_vague_words"]
    await page.get_by_role("link", name="历史和回滚").click()
    await ready(page)
    await _the_old_version_comes_back(world, page, was)


async def _a_fault_stands_beside_its_cell(page: Page) -> None:
    await page.fill("[name='f:ip_orders']", "很多")
    await page.click("#act-activate")
    await page.fill("#ask-activate textarea", "试错")
    await page.click("#ask-activate button[type=submit]")
    await expect(page.locator(".said [role=alert]")).to_contain_text("同一 IP 的订单数：要填整数")
    await expect(page.locator("[id='fault:f:ip_orders']")).to_have_text("要填整数")
    await expect(page.locator("[name='f:ip_orders']")).to_have_value("很多")
    await page.fill("[name='f:ip_orders']", "5")


async def _the_old_version_comes_back(world: World, page: Page, was: int) -> None:
    await page.get_by_role("link", name="改了什么").first.click()
    await ready(page)
    await expect(page.locator("#changes ins")).to_contain_text(VAGUE)
    await page.click(f"#back-{was}")
    await page.fill(f"#ask-back-{was} textarea", "误伤太多")
    await page.click(f"#ask-back-{was} button[type=submit]")
    await expect(page.locator(".said")).to_contain_text(f"已回到第 {was} 版的内容，现在是第 {was + 2} 版")
    assert VAGUE not in (await SettingVersions(world.database).one("risk")).body["address_vague_words"]


async def test_rows_of_a_decision_table_are_moved_by_keyboard_and_nothing_typed_is_lost(enter: Open) -> None:
    page = await enter("/settings/after_sales", UserRole.ADMIN)
    first, second = page.locator("[name='f:rows.0.name']"), page.locator("[name='f:rows.1.name']")
    names = (await first.input_value(), await second.input_value())
    await page.fill("[name='f:most_photos']", "9")
    await second.focus()
    await page.keyboard.press("Alt+ArrowUp")
    await expect(first).to_have_value(names[1])
    await expect(second).to_have_value(names[0])
    await expect(first).to_be_focused()
    await expect(page.locator("[name='f:most_photos']")).to_have_value("9")
    count = await page.locator("tr[id^='row:rows.']").count()
    await page.locator("[id='add:rows']").click()
    await expect(page.locator("tr[id^='row:rows.']")).to_have_count(count + 1)
    added = page.locator(f"[name='f:rows.{count}.name']")
    await expect(added).to_be_focused()
    await page.keyboard.type("新规则")
    await page.click("#act-save")
    await expect(page.locator("#changes")).to_contain_text("移到第")
    await expect(page.locator("#changes")).to_contain_text("新规则")
    await page.click("#act-drop")
    await page.click("#ask-drop button[type=submit]")
    await expect(first).to_have_value(names[0])


async def test_who_may_not_change_settings_reads_them_and_is_told_who_may(world: World, enter: Open) -> None:
    page = await enter("/settings/risk", UserRole.AGENT)
    await expect(page.locator("#act-activate")).to_be_disabled()
    await expect(page.locator("#why-off")).to_contain_text("请找管理员")
    await expect(page.locator("[name='f:ip_orders']")).to_be_disabled()
    was = await in_force(world)
    await page.evaluate("window.emitEvent('act', {act: 'activate', 'f:ip_orders': '9', reason: 'x'})")
    await expect(page.locator(".said [role=alert]")).to_contain_text("您的角色不能做这件事")
    assert await in_force(world) == was
