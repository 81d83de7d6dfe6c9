"""Counts, approvals, transfers and shipments in the console: seen, handed in, refused in words, decided by another."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

from playwright.async_api import FilePayload, Page, expect

from clients.clock import utc_now
from domain.inbound import Stage, Units
from domain.permissions import UserRole
from store import inbound, places
from store.inbound import NewInbound, Step
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


async def test_what_a_shipment_lacks_is_red_until_it_is_named_and_it_is_received_once(
    world: World, enter: Open
) -> None:
    """INV-13, I-22: a customs number is missing in red, named in the page; goods are received under a delivery note."""
    new = NewInbound("Milano Tessuti", "GZ01", utc_now() + timedelta(days=3), (Units("COAT", 20),), "li.wei", True)
    async with world.database.transaction() as tx:
        no = await inbound.add(tx, new, "test", utc_now())
    page = await enter(f"/stock/inbound/{no}", UserRole.WAREHOUSE)
    await page.click("#act-stage")
    await page.select_option("#ask-stage select", "customs")
    await page.click("#ask-stage button[type=submit]")
    await expect(page.locator(".said")).to_contain_text("现在是“清关中”")
    await expect(page.locator("section.first")).to_contain_text("缺清关单号")
    await page.click("#act-details")
    await page.fill("#ask-details [name=customs_no]", "CN-7788")
    await page.click("#ask-details button[type=submit]")
    await expect(page.locator("section.first")).to_contain_text("齐全")
    before = await world.value("SELECT on_hand FROM sku_stock WHERE sku = 'COAT'")
    await page.click("#act-receive")
    await page.fill("#ask-receive [name='n:COAT']", "18")
    await page.fill("#ask-receive [name=ref]", "SH-1")
    await page.check("#ask-receive [name=final]")
    await page.click("#ask-receive button[type=submit]")
    await expect(page.locator("#main")).to_contain_text("少 2 件")
    await expect(page.locator("#why-receive")).to_have_text("已入库")
    assert await world.value("SELECT on_hand FROM sku_stock WHERE sku = 'COAT'") == before + 18


async def test_what_is_typed_outlives_a_part_drawn_anew(world: World, enter: Open) -> None:
    """OPS-1: a dialog that is open while a colleague changes the same shipment stays open and keeps what was typed."""
    new = NewInbound("Porto Tecidos", "GZ01", utc_now() + timedelta(days=3), (Units("COAT", 5),), "li.wei", True)
    async with world.database.transaction() as tx:
        no = await inbound.add(tx, new, "test", utc_now())
    page = await enter(f"/stock/inbound/{no}", UserRole.WAREHOUSE)
    await page.click("#act-details")
    await page.fill("#ask-details [name=customs_no]", "CN-9901")
    await page.evaluate("document.getElementById('ask-details').old = true")
    async with world.database.transaction() as tx:
        await inbound.move(tx, no, Step(Stage.CUSTOMS), "wang.fang", utc_now())
    await page.wait_for_function("document.getElementById('ask-details').old === undefined")
    await expect(page.locator("#ask-details")).to_be_visible()
    await expect(page.locator("#ask-details [name=customs_no]")).to_have_value("CN-9901")
    await page.click("#ask-details button[type=submit]")
    await expect(page.locator("section.first")).to_contain_text("齐全")


async def test_finance_sees_and_does_not_act_and_an_agent_sees_stock_only(world: World, enter: Open) -> None:
    """SEC-2."""
    page = await enter("/stock/counts", UserRole.FINANCE)
    await expect(page.locator("#main h1")).to_have_text("盘点")
    await expect(page.locator("#main")).to_contain_text("您的角色不能做这件事，请找管理员、仓库")
    await expect(page.locator("#act-count")).to_have_count(0)
    agent = await enter("/stock", UserRole.AGENT)
    await expect(agent.locator("nav[aria-label=库存的各页] a").first).to_have_text("库存")
    await expect(agent.get_by_role("link", name="盘点")).to_have_count(0)
    await agent.goto("/stock/transfers")
    await ready(agent)
    await expect(agent.locator("#main")).to_contain_text("您的角色不能做这件事，请找管理员、仓库、财务")
    answer = await agent.request.get("/stock/reports/turnover.csv")
    assert answer.status == 403


async def test_the_report_is_drawn_and_taken_away_as_a_file(world: World, enter: Open) -> None:
    """INV-9."""
    page = await enter("/stock/reports", UserRole.FINANCE)
    await expect(page.locator("#days svg").first).to_be_visible()
    await expect(page.locator("#main tbody tr", has_text="TEE").first).to_be_visible()
    async with page.expect_download() as waiting:
        await page.get_by_role("link", name="下载 CSV").click()
    content = (await (await waiting.value).path()).read_text("utf-8-sig")
    assert content.startswith("SKU,品名,周转,在库")
    assert "TEE," in content
