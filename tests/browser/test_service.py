"""The service board in a browser: typed in, answered, an exception opened from the ticket, closed (EXC-1, EXC-4)."""

import re
from collections.abc import Awaitable, Callable
from pathlib import Path

from playwright.async_api import Page, expect

from domain.permissions import UserRole
from tests.browser.conftest import ready
from tests.browser.world import World

Open = Callable[..., Awaitable[Page]]


async def test_a_complaint_is_typed_in_answered_and_becomes_an_exception_that_is_closed(
    world: World, enter: Open
) -> None:
    key = await world.pay("SVC1", units=2)
    await world.until_order(key, "true")
    page = await enter("/service", UserRole.AGENT)
    await page.get_by_role("button", name="登记工单").first.click()
    dialog = page.locator("#ask-add_ticket")
    await dialog.locator("[name=kind]").select_option("complaint")
    await dialog.locator("[name=source]").select_option("phone")
    await dialog.locator("[name=words]").fill("订单 SVC1 少了两件短袖")
    await dialog.get_by_role("button", name="登记工单").click()
    row = page.locator("tr", has_text="SVC1")
    await expect(row).to_contain_text("投诉 · 电话")
    await row.locator("a.open").click()
    await ready(page)
    await expect(page.locator("#draft")).to_contain_text("您好")
    await expect(page.locator("#answer-words")).to_have_value(await page.locator("#draft").inner_text())
    await page.locator("#answer-words").fill("您好，马上为您补发。")
    await page.get_by_role("button", name="记录答复").click()
    await expect(page.locator(".story")).to_contain_text("马上为您补发")
    await expect(page.locator(".card.first")).to_contain_text("已答复")
    await open_exception(page)
    await page.locator(".card.first a[href^='/exceptions/']").click()
    await ready(page)
    await expect(page.locator(".card.first")).to_contain_text("少发，快递责任，补发")
    await expect(page.locator("dl", has_text="补发单")).to_contain_text("SVC1-E")
    await expect(page.locator("#act-reopen")).to_be_disabled()
    async with page.expect_download() as saved:
        await page.get_by_role("button", name="下载证据包").click()
    assert (await saved.value).suggested_filename.endswith("-L.zip")
    await page.locator("#act-close").click()
    await page.locator("#ask-close [name=words]").fill("补发已签收")
    await page.locator("#ask-close").get_by_role("button", name="关闭").click()
    await expect(page.locator(".card.first")).to_contain_text("补发已签收")
    await page.goto(f"/orders/{key}")
    await ready(page)
    await expect(page.locator("section", has_text="开异常单").first).to_contain_text("已关闭")
    await page.goto("/exceptions?closed=1")
    await ready(page)
    await expect(page.locator("table")).to_contain_text("SVC1")
    await page.goto("/receivables")
    await ready(page)
    await expect(page.locator("#act-post")).to_be_disabled()
    await export_receivables(await enter("/receivables", UserRole.FINANCE))


async def export_receivables(page: Page) -> None:
    """As finance: post what the exception changed, and take its file again (EXC-2)."""
    await expect(page.locator("#waiting")).to_contain_text("补发（少发）")
    await page.locator("#act-post").click()
    async with page.expect_download() as saved:
        await page.locator("#ask-post").get_by_role("button", name="导出并记为已入账").click()
    name = (await saved.value).suggested_filename
    await expect(page.locator("#waiting")).to_contain_text("没有待导出的应收变动")
    async with page.expect_download() as again:
        await page.get_by_role("link", name="下载").click()
    assert (await again.value).suggested_filename == name
    assert "SVC1" in Path(await (await again.value).path()).read_text("utf-8-sig")


async def test_what_the_shop_tells_stands_on_the_board_with_all_that_came_with_it(world: World, enter: Open) -> None:
    """Nobody types it in; its order is not known here, and is joined by hand (EXC-4, INT-11)."""
    key = await world.pay("SVC2")
    await world.until_order(key, "true")
    told = {"ticket_no": "TK1", "words": "包裹破了<b>", "order_no": "D404", "contact": "李四 13900139000"}
    await world.complain(**told, photos=["https://shop.example/1.jpg"])
    page = await enter("/service", UserRole.AGENT)
    row = page.locator("tr", has_text="自有商城")
    await row.locator("a.open").click()
    await ready(page)
    await expect(page.locator(".card.first")).to_contain_text("D404（系统里没有，请核对后关联订单）")
    entry = page.locator(".story li").first
    await expect(entry).to_contain_text("包裹破了<b>")
    await expect(entry).to_contain_text("联系方式：李四 13900139000")
    photo = entry.get_by_role("link", name="图片 1")
    await expect(photo).to_have_attribute("href", "https://shop.example/1.jpg")
    await expect(photo).to_have_attribute("rel", "noopener noreferrer nofollow")
    await expect(entry.get_by_role("link", name="原始消息")).to_have_attribute("href", re.compile(r"^/inbox/\d+$"))
    await page.locator("#act-attach").click()
    await page.locator("#ask-attach [name=order]").fill("SVC2")
    await page.locator("#ask-attach button[type=submit]").click()
    await expect(page.locator(".card.first")).to_contain_text("SVC2")
    await expect(page.locator(".card.first")).not_to_contain_text("系统里没有")


async def open_exception(page: Page) -> None:
    """Fill in the form, first without whose fault it is."""
    await page.locator("#act-open_exception").click()
    form = page.locator("#ask-open_exception")
    await form.locator("[name=kind]").select_option("short")
    await form.locator("[name=compensation]").select_option("reship")
    await form.locator("[name=units-1]").fill("2")
    await form.get_by_role("button", name="开异常单").click()
    await expect(page.get_by_role("alert").last).to_contain_text("请选择责任方")
    await page.locator("#act-open_exception").click()
    await form.locator("[name=kind]").select_option("short")
    await form.locator("[name=responsible]").select_option("courier")
    await form.locator("[name=compensation]").select_option("reship")
    await form.locator("[name=units-1]").fill("2")
    await form.get_by_role("button", name="开异常单").click()
