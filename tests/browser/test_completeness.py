"""The completeness calendar: green and red hours, and what was missing in one and what was done (INT-9, INT-10)."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

from playwright.async_api import Page, expect

from clients.clock import utc_now
from domain.completeness import DAY, HOUR, RollSource, Span
from domain.permissions import UserRole
from domain.pulling import Rolled, RollRules
from domain.timing import RollTiming
from store.completeness import SqlLedger
from tests.browser.conftest import ready
from tests.browser.world import World

Open = Callable[..., Awaitable[Page]]
SOURCE = RollSource("own", "mall", RollRules(86400), RollTiming())


async def test_a_red_hour_opens_to_the_number_that_is_missing(world: World, enter: Open) -> None:
    ledger = SqlLedger(world.database, world.ring)
    hour = utc_now().replace(minute=0, second=0, microsecond=0) - timedelta(hours=2)
    red, green = (Span(HOUR, at, at + timedelta(hours=1)) for at in (hour, hour - timedelta(hours=1)))
    missing = [Rolled("LOST-1", "paid", hour + timedelta(minutes=3))]
    await ledger.settle(SOURCE, green, [], 0, utc_now())
    for minutes in (20, 0):
        await ledger.settle(SOURCE, red, missing, 1, utc_now() - timedelta(minutes=minutes))
    day = Span(DAY, hour - timedelta(hours=20), hour + timedelta(hours=4))
    await ledger.settle(SOURCE, day, [], 0, utc_now())
    page = await enter("/shops", UserRole.ADMIN)
    await page.get_by_role("link", name="订单完整性").click()
    await ready(page)
    cell = page.locator(f'[data-key="hour-{hour.isoformat()}"]')
    await expect(cell).to_have_attribute("title", f"{hour + timedelta(hours=8):%m-%d %H}:00：漏单。渠道 1，推送 0，"
                                         "拉取 0，已入账 0，缺 1")  # fmt: skip
    whole = page.locator(f'[data-key="hour-{(hour - timedelta(hours=1)).isoformat()}"]')
    await expect(whole).to_contain_text("✓")
    await cell.click()
    await ready(page)
    row = page.locator("#hour tr", has_text="LOST-1")
    await expect(row).to_contain_text("缺少")
    await expect(row).to_contain_text("未解决")
    await expect(page.locator("#others tr", has_text="每日")).to_be_visible()
    await world.change("DELETE FROM roll_check")
    await world.change("DELETE FROM roll_number")
    await world.change("UPDATE alert SET cleared_at = now() WHERE kind = 'gap'")
