"""Counts, approvals, transfers and shipments in the console: seen, handed in, refused in words, decided by another."""

from collections.abc import Awaitable, Callable

from playwright.async_api import FilePayload, Page, expect

from clients.clock import utc_now
from domain.permissions import UserRole
from store import places
from store.places import Place
from tests.browser.conftest import ready
from tests.browser.world import World

Open = Callable[..., Awaitable[Page]]
HEAD = "调出,调入,商品编码,数量\n"
RIGHT = HEAD + "GZ01,S001,TEE,60\nGZ01,S002,TEE,45\n"
SHIFTED = HEAD + "GZ01,S001,TEE,60\nGZ01,S002,,TEE,45\n"


async def two_stores(world: World) -> None:
    async with world.database.transaction() as tx:
        known = await places.all_places(tx)
        for code, name in (("S001", "天河店"), ("S002", "越秀店")):
            if code not in known:
                await places.add(tx, Place(code, name, "广东省"), "test", utc_now())


async def hand_in(page: Page, sheet: str) -> None:
    file = FilePayload(name="调拨.csv", mimeType="text/csv", buffer=sheet.encode())
    await page.set_input_files("[name=file]", file)
    await page.click("#check")
    await ready(page)


async def test_a_shifted_row_is_refused_in_the_page_and_the_right_sheet_is_approved_by_another(
    world: World, enter: Open
) -> None:
    """INV-12, I-9: nothing is written of a sheet with a shifted cell; what changes is seen before it is submitted."""
    await two_stores(world)
    page = await enter("/stock/transfers/new", UserRole.WAREHOUSE)
    await hand_in(page, SHIFTED)
    await expect(page.locator("#found")).to_have_text("1 行有错，1 行正确")
    await expect(page.locator("#refused")).to_contain_text("比表头多 1 格：这一行错位了")
    assert await world.value("SELECT count(*) FROM transfer") == 0
    await page.get_by_role("link", name="改好后重新上传").click()
    await ready(page)
    await hand_in(page, RIGHT)
    await expect(page.locator("#found")).to_have_text("2 行全部正确，共 105 件")
    await expect(page.locator("#changes tbody tr", has_text="GZ01")).to_contain_text("-105")
    await page.click("#submit")
    await expect(page.locator("#made")).to_contain_text("等待另一人审批")
    await page.get_by_role("link", name="看审批").click()
    await ready(page)
    await expect(page.locator(".why")).to_contain_text("warehouse1 是申请人，须由另一人审批")
    second = await enter("/stock/approvals", UserRole.ADMIN)
    card = second.locator("section.card", has_text="调拨 105 件")
    await card.get_by_role("button", name="通过").click()
    await expect(second.locator(".said")).to_contain_text("2 张调拨单已通过，库存已占用")
    await expect(card).to_have_count(0)
    states = "SELECT count(*) FROM transfer WHERE state = 'approved'"
    assert await world.value(states) == 2
