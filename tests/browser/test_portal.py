"""The buyers' pages on a phone: from a link to a label, without a script, through a dead spot (AFT-1, AFT-4)."""

import io
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from PIL import Image, ImageDraw
from playwright.async_api import Browser, BrowserContext, FilePayload, Page, Route, ViewportSize

from clients.clock import utc_now
from store import places
from store.portal_access import PortalAccess
from store.replay import By
from tests.browser.conftest import ZONE
from tests.browser.world import LONG, WORKER_MS, World, until

PHONE = ViewportSize(width=390, height=844)
Take = Callable[..., Awaitable[Page]]
"""A worker whose engine was killed by a test before takes its time; the page waits 20 s for it."""


def photo(words: str, side: int = 1200) -> FilePayload:
    """Draw a photo as a phone would take it."""
    file = io.BytesIO()
    picture = Image.effect_noise((side, side * 3 // 4), 40).convert("RGB")
    ImageDraw.Draw(picture).text((40, 40), words, fill="red")
    picture.save(file, "JPEG", quality=90)
    return FilePayload(name="IMG_0001.JPG", mimeType="image/jpeg", buffer=file.getvalue())


@pytest.fixture
async def take(world: World, browser: Browser) -> AsyncIterator[Take]:
    """Take a phone and open an address of the portal on it; fails at an error of the page's own script or policy."""
    opened: list[BrowserContext] = []
    errors: list[str] = []

    async def open_page(address: str, **more: Any) -> Page:
        base = world.installation.run.urls["portal"]
        context = await browser.new_context(base_url=base, viewport=PHONE, timezone_id=ZONE, has_touch=True, **more)
        context.set_default_timeout(10_000)
        opened.append(context)
        page = await context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda said: errors.append(said.text) if "Security" in said.text else None)
        answer = await page.goto(address)
        if answer is not None and answer.status >= 500:  # a database that was started anew lets us down once
            await page.goto(address)
        return page

    yield open_page
    for context in opened:
        await context.close()
    assert errors == []


async def decided(page: Page, news: str) -> None:
    """Wait for the answer to a decision: at once, or "sent" where the worker was started anew a moment ago."""
    await page.wait_for_url(re.compile(rf"\?news=({news}|pending)$"), timeout=WORKER_MS)


async def shipped(world: World, no: str, waybill: str, **more: Any) -> str:
    """An order that is on its way, and the return address of its warehouse."""
    key = await world.pay(no, **more)
    await world.until_order(key, "wait_for = 'shipment'")
    await world.ship(no, waybill, units=more.get("units", 1))
    await world.until_order(key, "shipped_at IS NOT NULL")
    async with world.database.transaction() as tx:
        words = "广州仓退货组 020-88886666\n广东省广州市白云区太和镇大源北路 188 号 3 号库"
        await places.set_return_address(tx, "GZ01", words, "test", utc_now())
    return key


async def link(world: World, key: str) -> str:
    token = await PortalAccess(world.database, world.ring).make_link(key, By("test", utc_now()))
    return f"/portal/l/{token}"


async def fits(page: Page) -> None:
    """Assert that nothing is wider than the phone."""
    assert await page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


async def apply(page: Page, *, units: str = "") -> None:
    """Ask for a return of damaged goods, up to the last form."""
    await page.click("a[href='/portal/apply']")
    await page.wait_for_url("**/portal/apply")
    await fits(page)
    await page.click("a[href='/portal/apply/return']")
    await page.wait_for_url("**/portal/apply/return")
    if units:
        await page.select_option("select", units)
    await page.check("input[value=damaged]")
    await fits(page)
    await page.click("button.primary")
    await page.wait_for_url("**/check?*")
    await fits(page)


async def test_a_buyer_goes_from_the_link_to_a_case_and_sends_the_label(world: World, take: Take) -> None:
    key = await shipped(world, "PORTAL1", "SF90001", title=LONG, units=2)
    page = await take(await link(world, key))  # its script presses the one button
    await page.wait_for_url("**/portal/order")
    assert "运输中" in await page.inner_text("h1")
    await fits(page)
    await apply(page, units="2")
    assert await page.inner_text("#sum") == "¥318.00"
    await page.set_input_files("input[type=file]", [photo("damaged")])
    await page.fill("textarea", "收到时外盒压坏，衣服上有一道口子")
    await page.click("button.primary")
    await page.wait_for_url(re.compile(r"/portal/case/C\d+$"))
    await page.wait_for_selector(".acts.you")  # the page renews itself while it is checked
    assert "您" in await page.inner_text(".acts")
    assert "020-88886666" in await page.inner_text(".address")
    await fits(page)
    of_case = (
        "FROM case_photo p JOIN after_sales_case c ON c.no = p.case_no WHERE c.order_key = :key AND p.kind = :kind"
    )
    kept = await world.value(f"SELECT octet_length(p.body_sealed) {of_case}", key=key, kind="evidence")
    assert kept > 1_000
    await page.set_input_files("form[action$='/label'] input[type=file]", photo("SF9000123456789"))
    await page.click("form[action$='/label'] button")
    await page.wait_for_url("**/portal/case/*?news=label_saved")
    assert await world.value(f"SELECT count(*) {of_case}", key=key, kind="label") == 1
    await page.fill("[name=waybill_no]", "SF9000123456789")
    await page.click("form[action$='/waybill'] button")
    await decided(page, "waybill_saved")
    await page.wait_for_selector(".line .now:has-text('仓库签收')", timeout=WORKER_MS)
    await fits(page)


async def test_a_photo_survives_a_dead_spot_and_a_reload_and_opens_one_case(world: World, take: Take) -> None:
    """AFT-1: it waits in the browser and goes under the same nonce."""
    key = await shipped(world, "PORTAL2", "SF90002")
    page = await take(await link(world, key))
    await page.wait_for_url("**/portal/order")
    await apply(page)
    lost: list[str] = []

    async def lose(route: Route) -> None:
        lost.append(route.request.url)
        if len(lost) == 1:
            await route.fetch()  # it arrives, only its answer gets lost
        await route.abort("connectionreset")

    await page.route("**/send", lose)
    await page.set_input_files("input[type=file]", [photo("dead spot")])
    await page.click("button.primary")
    await page.wait_for_selector("#queue:has-text('自动重发')")
    assert await page.is_disabled("form[data-queue] button")
    await page.unroute("**/send")
    await page.goto("/portal/order")
    await page.wait_for_url(re.compile(r"/portal/case/C\d+$"))
    assert lost
    assert await world.value("SELECT count(*) FROM after_sales_case WHERE order_key = :key", key=key) == 1
    await page.goto("/portal/order")
    await page.wait_for_load_state("networkidle")
    assert await page.is_hidden("#queue")


async def test_everything_works_without_a_script(world: World, take: Take) -> None:
    """Design §10: an old phone."""
    key = await shipped(world, "PORTAL3", "SF90003")
    page = await take(await link(world, key), java_script_enabled=False)
    await page.click("button.primary")
    await apply(page)
    await page.set_input_files("input[type=file]", [photo("old phone")])
    await page.click("button.primary")
    await page.wait_for_url(re.compile(r"/portal/case/C\d+$"))
    await page.click("summary")
    await page.click("button.danger")
    await decided(page, "withdrawn")
    by = "SELECT withdrawn_by FROM after_sales_case WHERE order_key = :key"

    async def is_withdrawn() -> bool:
        return bool(await world.value(by, key=key) == "buyer")

    await until(is_withdrawn, "withdrawn by the buyer")


async def test_a_photo_that_is_none_is_told_and_the_form_keeps_what_was_written(world: World, take: Take) -> None:
    key = await shipped(world, "PORTAL4", "SF90004")
    page = await take(await link(world, key))
    await page.wait_for_url("**/portal/order")
    await apply(page)
    bad = FilePayload(name="x.jpg", mimeType="image/jpeg", buffer=b"%PDF-1.7 no photo")
    await page.set_input_files("input[type=file]", [bad])
    await page.fill("textarea", "一段说明")
    await page.click("button.primary")
    await page.wait_for_selector("#trouble:has-text('不是照片')")
    assert await page.input_value("textarea") == "一段说明"
    await page.set_input_files("input[type=file]", [photo("better")])
    await page.click("button.primary")
    await page.wait_for_url(re.compile(r"/portal/case/C\d+$"))


async def test_an_agent_makes_a_link_on_the_orders_page(
    world: World, take: Take, enter: Callable[..., Awaitable[Page]]
) -> None:
    key = await shipped(world, "PORTAL5", "SF90005")
    desk = await enter(f"/orders/{key}")
    await desk.click("#buyer-link")
    made = await desk.input_value("#buyer-url")
    assert made.startswith(world.installation.run.urls["portal"])
    page = await take(made)
    await page.wait_for_url("**/portal/order")
    assert "PORTAL5" in await page.inner_text("main")
