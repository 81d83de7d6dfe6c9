"""Messages in the console: what was said to whom, filtered, and an account that is tried by who may (OPS-3)."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

from playwright.async_api import Page, expect

from clients.clock import utc_now
from domain.messages import Saying
from domain.permissions import UserRole
from store import messaging
from store.shops import Shops
from tests.browser.conftest import ready
from tests.browser.world import World
from tests.connectors.messengers import WECOM

Open = Callable[..., Awaitable[Page]]


async def test_messages_are_listed_with_their_reason_and_an_account_is_tried_by_an_admin_alone(
    world: World, enter: Open
) -> None:
    robot = replace(WECOM, code="duty", endpoint_url="http://127.0.0.1:1")
    await Shops(world.database, world.ring).add(robot, None, utc_now())
    async with world.database.transaction() as tx:
        await messaging.say(
            tx, Saying("case.overdue", "k1", "C-17", "critical", facts={"mark": "", "since": "11-22"}), utc_now()
        )
        await messaging.say(tx, Saying("nobody.asked", "k2", "C-18"), utc_now())
    page = await enter("/messages-out", UserRole.ADMIN)
    row = page.locator("tr", has_text="超时：C-17")
    await expect(row).to_contain_text("企业微信 / duty")
    await expect(row).to_contain_text("客服主管")
    await expect(page.locator("tr", has_text="nobody.asked")).to_contain_text("设置里没有 nobody.asked 的规则")
    await page.get_by_role("link", name="没有接收人").click()
    await ready(page)
    await expect(page.locator("tr", has_text="C-18")).to_be_visible()
    await expect(page.locator("tr", has_text="超时：C-17")).to_have_count(0)
    await page.get_by_role("button", name="发测试消息").click()
    await expect(page.get_by_role("status")).to_contain_text("测试消息已排队")
    assert await world.value("SELECT count(*) FROM message WHERE kind = 'test'") == 1
    agent = await enter("/messages-out", UserRole.AGENT)
    await expect(agent.get_by_role("button", name="发测试消息")).to_be_disabled()
    await expect(agent.locator("tr", has_text="duty group")).to_contain_text("您的角色不能做这件事")
    await world.change("UPDATE shop SET active = false WHERE role = 'messages'")
    await world.change("DELETE FROM outgoing WHERE kind = 'message'")
