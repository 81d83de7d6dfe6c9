"""The tasks that people must manage on these pages, each from a cold page, timed: a table is printed at the end.

Seconds allowed are those of the people's days; what a script takes is the page's share of them, reading not included.
"""

import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import pytest
from playwright.async_api import Page, expect

from domain.permissions import UserRole
from tests.browser.conftest import ready
from tests.browser.world import World

Open = Callable[..., Awaitable[Page]]
Work = Callable[[Page, World], Awaitable[None]]


@dataclass(frozen=True)
class Task:
    """What somebody of a role must manage, from which page, in how many seconds."""

    name: str
    role: UserRole
    start: str
    seconds: float
    work: Work


async def _wrong_now(page: Page, world: World) -> None:
    await expect(page.locator("#main h1")).to_have_text(re.compile("现在有 .* 类问题需要处理"))
    await expect(page.locator("#figure-stuck b")).to_have_text(re.compile(r"^[1-9]"))
    await expect(page.locator("#figure-due")).to_be_visible()


async def _paste(page: Page, words: str, no: str) -> None:
    await page.keyboard.press("/")
    await page.locator("#search").fill(words)
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(re.compile(f"/orders/own:mall:{no}$"))
    await expect(page.locator("#waits")).to_be_visible()


async def _by_number(page: Page, world: World) -> None:
    await _paste(page, "TASK1", "TASK1")


async def _by_phone(page: Page, world: World) -> None:
    await _paste(page, "+86 135 0000 3333", "TASK1")


async def _why(page: Page, world: World) -> None:
    await _paste(page, "TASK2", "TASK2")
    await expect(page.locator("#waits")).to_have_text("卡住：缺货：TASKSKU")
    await expect(page.locator(".first")).to_contain_text("接下来：处理好原因后点“重试”")


async def _tell_the_buyer(page: Page, world: World) -> None:
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await page.click("#copy")
    await expect(page.locator("#copy")).to_have_text("已复制 ✓")
    assert "预计" in await page.evaluate("navigator.clipboard.readText()")


async def _queue(page: Page, world: World) -> None:
    await expect(page.locator("#main tbody tr").first).to_contain_text("卡住")
    await expect(page.locator("#main [data-until]").first).to_contain_text(re.compile("剩|超时"))


async def _why_this_number(page: Page, world: World) -> None:
    await page.fill("#stock-search", "TASKSKU")
    await page.keyboard.press("Enter")
    await page.get_by_role("link", name="TASKSKU", exact=True).click()
    await expect(page.locator("#sum")).to_contain_text("可售 1 = 在库 1 − 已分配 0 − 预占 0")


async def _escalated(page: Page, world: World) -> None:
    await page.locator("tr", has_text="TASK2").first.get_by_role("link", name="TASK2").click()
    await expect(page.locator("#waits")).to_have_text("卡住：缺货：TASKSKU")
    await expect(page.locator("#act-retry")).to_be_enabled()


async def _which_vendor(page: Page, world: World) -> None:
    await page.keyboard.press("g")
    await page.keyboard.press("c")
    await expect(page.locator("#main tbody tr").filter(has_text="qimen / wms1")).to_have_count(1)


async def _trace(page: Page, world: World) -> None:
    await _paste(page, "TASK1", "TASK1")
    await ready(page)
    await expect(page.get_by_role("link", name="在 Temporal 中查看流程")).to_be_visible()
    await expect(page.locator("ol.story")).to_contain_text("仓库已接单")
    await page.get_by_role("link", name=re.compile(r"^消息 \d+$")).last.click()
    await expect(page.locator("#main")).to_contain_text("own / mall")


async def _change_of_stock(page: Page, world: World) -> None:
    await page.fill("#set-count", "1")
    await page.click("#set-save")
    await expect(page.locator(".said")).to_contain_text("现在有 1 件")


TASKS = [
    Task("运营：现在有什么问题、今天什么要超时", UserRole.ADMIN, "/", 5, _wrong_now),
    Task("客服：粘贴订单号找到订单", UserRole.AGENT, "/", 3, _by_number),
    Task("运营：用手机号找到订单", UserRole.ADMIN, "/alerts", 5, _by_phone),
    Task("运营：说出订单为什么在等", UserRole.ADMIN, "/orders", 10, _why),
    Task("客服：一句话告诉买家接下来怎样", UserRole.AGENT, "/orders/own:mall:TASK1", 5, _tell_the_buyer),
    Task("客服：按期限看队列", UserRole.AGENT, "/orders", 2, _queue),
    Task("供应链：这个数为什么是这样", UserRole.WAREHOUSE, "/stock", 10, _why_this_number),
    Task("主管：升级给我的事，点一下就能处理", UserRole.ADMIN, "/alerts", 10, _escalated),
    Task("值班：哪家外部系统出了问题", UserRole.ADMIN, "/", 60, _which_vendor),
    Task("值班：一张订单经过的每个系统", UserRole.ADMIN, "/", 60, _trace),
    Task("仓库：更正在库数", UserRole.WAREHOUSE, "/stock/TASKSKU", 10, _change_of_stock),
]


@pytest.fixture(scope="session")
async def prepared(world: World) -> World:
    """One order on its way and one that is stuck."""
    await world.stock("TASKSKU", 1)
    on_its_way = await world.pay("TASK1", phone="13500003333")
    stuck = await world.pay("TASK2", sku="TASKSKU", units=5)
    await world.until_order(on_its_way, "logistics_status = 'pushed'")
    await world.until_order(stuck, "stuck")
    return world


async def test_every_task_of_these_pages_is_done_in_its_time(prepared: World, enter: Open) -> None:
    taken: list[tuple[Task, float]] = []
    pages = {role: await enter("/shops", role) for role in {task.role for task in TASKS}}
    for task in TASKS:
        page = pages[task.role]
        begun = time.monotonic()
        await page.goto(task.start)
        await ready(page)
        await task.work(page, prepared)
        taken.append((task, time.monotonic() - begun))
    print(_table(taken))
    assert [task.name for task, seconds in taken if seconds > task.seconds] == []


def _table(taken: list[tuple[Task, float]]) -> str:
    lines = ["", "| task | seconds allowed | seconds taken |", "|---|---|---|"]
    return "\n".join(lines + [f"| {task.name} | {task.seconds:g} | {seconds:.1f} |" for task, seconds in taken])
