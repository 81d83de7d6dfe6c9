"""Alerts in the console: their history with who was told and who closed them, and the rules behind them (OPS-3)."""

from collections.abc import Awaitable, Callable

from playwright.async_api import Page, expect

from clients.clock import utc_now
from domain.permissions import UserRole
from store import alerts
from store.alerts import Level, NewAlert
from tests.browser.conftest import ready
from tests.browser.world import World

Open = Callable[..., Awaitable[Page]]
FAILED = NewAlert("pull", Level.CRITICAL, "own/quiet", "the pull has failed 5 times in a row")  # no look clears it
CROWDED = NewAlert("limits", Level.WARNING, "own/busy", "ask the vendor for a higher limit")


async def test_history_says_who_was_told_and_who_closed_it_and_rules_lead_to_their_settings(
    world: World, enter: Open
) -> None:
    async with world.database.transaction() as tx:
        for one in (FAILED, CROWDED):
            await alerts.raise_alert(tx, one, utc_now())
    page = await enter("/alerts", UserRole.ADMIN)
    open_row = page.locator("tr", has_text="own/quiet")
    await expect(open_row).to_contain_text("邮件 / mail")
    await open_row.get_by_role("button", name="已处理").click()
    await expect(page.get_by_role("status").first).to_contain_text("已解除")
    async with world.database.transaction() as tx:
        await alerts.raise_alert(tx, FAILED, utc_now())
        await alerts.clear(tx, "own/busy", utc_now(), "limits")
    await page.get_by_role("link", name="全部记录").click()
    await ready(page)
    lines = page.locator("tbody tr", has_text="own/quiet")
    await expect(lines).to_have_count(2)
    await expect(lines.first).to_contain_text("还没解除")
    await expect(lines.last).to_contain_text("admin1 处理")
    await expect(page.locator("tbody tr", has_text="own/busy")).to_contain_text("自动解除")
    await page.get_by_text("筛选", exact=True).first.click()
    await page.select_option("[name=kind]", "limits")
    await page.fill("[name=about]", "own/busy")
    await page.locator("form.filters").get_by_role("button", name="筛选").click()
    await ready(page)
    await expect(page.locator("tbody tr")).to_have_count(1)
    await page.get_by_role("link", name="规则").click()
    await ready(page)
    rule = page.locator("tr", has=page.locator('[data-key="silence"]'))
    await expect(rule).to_contain_text("无新订单多久告警")
    await expect(rule).to_contain_text("账号未连接")
    await rule.get_by_role("link", name="无新订单多久告警").click()
    await ready(page)
    await expect(page.locator("h1")).to_contain_text("告警阈值")
    await world.change("DELETE FROM alert WHERE subject IN ('own/quiet', 'own/busy')")
    await world.change("DELETE FROM message WHERE subject IN ('own/quiet', 'own/busy')")
