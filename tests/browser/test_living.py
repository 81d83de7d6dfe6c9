"""The console through the day: alerts that arrive, messages replayed, parts that die, keys only, a phone (OPS-1)."""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace

from playwright.async_api import Page, expect

from clients.clock import utc_now
from domain.permissions import UserRole
from store import alerts
from store.alerts import Level, NewAlert
from tests.browser.conftest import ready
from tests.browser.world import LONG, World
from tests.connectors.worlds import OWN

Open = Callable[..., Awaitable[Page]]
LIVE_SECONDS = 2.0
PHONE_WIDTH = 360
PAGES = [
    "/",
    "/orders",
    "/stuck",
    "/alerts",
    "/stock",
    "/shops",
    "/completeness",
    "/inbox",
    "/users",
    "/settings",
    "/settings/risk",
    "/settings/timing",
    "/settings/status_map",
    "/settings/after_sales",
    "/settings/sla",
    "/settings/risk/history",
    "/search?q=%E6%97%A0",
    "/stock/TEE",
    "/stock/counts",
    "/stock/approvals",
    "/stock/transfers",
    "/stock/transfers/new",
    "/stock/inbound",
    "/stock/reports",
]


async def test_an_alert_arrives_by_itself_within_two_seconds_and_is_cleared(world: World, enter: Open) -> None:
    page = await enter("/alerts", UserRole.AGENT)
    loads: list[str] = []
    page.on("load", lambda _: loads.append("load"))
    subject = "own:mall:LIVE-1"
    async with world.database.transaction() as tx:
        words = "the ship-by time is near and it has not shipped"
        await alerts.raise_alert(tx, NewAlert("ship_by_1", Level.WARNING, subject, words), utc_now())
    raised = time.monotonic()
    row = page.locator("tr", has_text="LIVE-1")
    await expect(row).to_be_visible(timeout=LIVE_SECONDS * 1000)
    assert time.monotonic() - raised <= LIVE_SECONDS
    await expect(row).to_contain_text("快到发货时限，还没有发出")
    await expect(page.locator("#alert-count")).to_have_text(re.compile(r"^\d+$"))
    await row.get_by_role("button", name="已处理").click()
    await expect(row).to_have_count(0)
    assert loads == []
    who = "SELECT actor FROM audit WHERE action = 'alert.cleared' AND subject = :subject"
    assert await world.value(who, subject=subject) == "agent1"


async def test_a_rejected_message_is_let_in_after_the_key_is_mended(world: World, enter: Open) -> None:
    fresh = "the-new-secret-of-the-shop"
    await world.pay("R1", secret=fresh)
    page = await enter("/inbox?state=unverified", UserRole.ADMIN)
    await page.locator("#main tbody tr a.open").first.click()
    await ready(page)
    await page.click("#replay")
    await expect(page.locator(".said")).to_contain_text("仍未通过验证")
    await _give_the_shop(world, fresh)
    await page.click("#replay")
    await expect(page.locator(".said")).to_contain_text("已接收，成为消息")
    await world.until_order("own:mall:R1", "true")
    await expect(page.locator("#main")).to_contain_text("已重放")


async def _give_the_shop(world: World, secret: str) -> None:
    """Add a key to the shop's, as a rotation does."""
    shop = replace(OWN, secrets=(OWN.secrets[0], secret))
    words = f'["{shop.secrets[0]}", "{secret}"]'.encode()
    sealed = world.ring.seal(words, f"shop.secrets|{shop.vendor}|{shop.code}")
    await world.change("UPDATE shop SET secrets_sealed = :sealed WHERE vendor = 'own'", sealed=sealed)


async def test_with_the_engine_dead_pages_are_read_and_decisions_wait_for_it(world: World, enter: Open) -> None:
    key = await world.pay("E1")
    await world.until_order(key, "logistics_status = 'pushed'")
    page = await enter(f"/orders/{key}", UserRole.AGENT)
    assert world.installation.temporal is not None
    await asyncio.to_thread(world.installation.temporal.stop)
    try:
        await expect(page.locator(".banner")).to_contain_text("流程引擎没有应答")
        await expect(page.locator("#why-cancel")).to_contain_text("流程引擎没有应答")
        await page.reload()
        await ready(page)
        await expect(page.locator("#waits")).to_have_text("等仓库发货")
        await page.goto("/orders")
        await ready(page)
        await expect(page.locator("#main tbody tr").first).to_be_visible()
    finally:
        await asyncio.to_thread(world.installation.heal)
    await expect(page.locator(".banner")).to_be_empty()


async def test_a_decision_without_a_worker_is_shown_as_sent_and_takes_effect_later(world: World, enter: Open) -> None:
    key = await world.pay("E2")
    await world.until_order(key, "logistics_status = 'pushed'")
    page = await enter(f"/orders/{key}", UserRole.AGENT)
    await asyncio.to_thread(world.installation.children["worker"].stop)
    await page.click("#act-cancel")
    await page.click("#ask-cancel button[type=submit]")
    await expect(page.locator(".said")).to_contain_text("已发送，尚未确认")
    await expect(page.locator("#act-cancel")).to_be_disabled()
    await asyncio.to_thread(world.installation.heal)
    await expect(page.locator(".said")).to_contain_text("已关闭", timeout=30_000)
    await expect(page.locator("#waits")).to_contain_text("已关闭")


async def test_with_the_database_dead_an_open_page_stays_readable(world: World, enter: Open) -> None:
    await world.until_order(await world.pay("E3"), "true")
    page = await enter("/orders", UserRole.AGENT)
    await expect(page.get_by_role("link", name="E3", exact=True)).to_be_visible()
    assert world.installation.postgres is not None
    await asyncio.to_thread(world.installation.postgres.stop)
    try:
        await expect(page.locator(".banner")).to_contain_text("数据库没有应答")
        await expect(page.get_by_role("link", name="E3", exact=True)).to_be_visible()
        await page.goto("/alerts")
        await ready_without_main(page)
        await expect(page.locator("body")).to_contain_text("暂时读不到")
    finally:
        await asyncio.to_thread(world.installation.heal)
    await expect(page.locator(".banner")).to_be_empty()
    await expect(page.locator("#main h1")).to_have_text("告警")


async def ready_without_main(page: Page) -> None:
    await page.wait_for_function("window.did_handshake === true")


async def test_everything_is_reached_with_the_keyboard_alone(world: World, enter: Open) -> None:
    key = await world.pay("K1")
    await world.until_order(key, "logistics_status = 'pushed'")
    page = await enter("/", UserRole.AGENT)
    await page.keyboard.press("g")
    await page.keyboard.press("o")
    await expect(page).to_have_url(re.compile("/orders$"))
    await ready(page)
    await page.keyboard.press("j")
    await page.keyboard.press("j")
    await page.keyboard.press("k")
    await expect(page.locator("#main tbody tr a.open").first).to_be_focused()
    outline = await page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    await page.keyboard.press("/")
    await expect(page.locator("#search")).to_be_focused()
    await page.keyboard.press("Escape")
    await drawn_anew(page)
    await expect(page.locator("#search")).not_to_be_focused()
    await page.keyboard.press("/")
    await page.keyboard.type("K1")
    await page.keyboard.press("Enter")
    await expect(page.locator("#waits")).to_have_text("等仓库发货")
    await ready(page)
    await tab_to(page, "act-cancel")
    await page.keyboard.press("Enter")
    await expect(page.locator("#ask-cancel textarea")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(page.locator("#ask-cancel")).to_be_hidden()
    await page.keyboard.press("Enter")
    await page.keyboard.type("买家改主意了")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await expect(page.locator("#waits")).to_contain_text("已关闭")


async def drawn_anew(page: Page) -> None:
    """A part of the page changes, as with news of an order; what follows a change was done when this returns."""
    await page.evaluate("document.body.append(document.createElement('i')); new Promise((done) => setTimeout(done))")


async def tab_to(page: Page, wanted: str) -> None:
    for _ in range(60):
        await page.keyboard.press("Tab")
        if await page.evaluate("document.activeElement.id") == wanted:
            return
    raise AssertionError(f"{wanted} is not reached with Tab")


async def test_no_page_is_wider_than_a_phone(world: World, enter: Open) -> None:
    key = await world.pay("W1", title=LONG, sku="COAT", units=2)
    await world.until_order(key, "logistics_status = 'pushed'")
    page = await enter("/", UserRole.ADMIN, viewport={"width": PHONE_WIDTH, "height": 740})
    for address in [*PAGES, f"/orders/{key}", "/inbox/1"]:
        await page.goto(address)
        await ready(page)
        assert await page.evaluate("document.documentElement.scrollWidth") <= PHONE_WIDTH, address


async def test_a_time_is_shown_in_the_viewers_zone_and_exactly_on_hover(world: World, enter: Open) -> None:
    key = await world.pay("Z1")
    await world.until_order(key, "true")
    page = await enter(f"/orders/{key}", UserRole.AGENT)
    shown = page.locator(".first time").last
    at = await world.value("SELECT placed_at FROM orders WHERE key = :key", key=key)
    await expect(shown).to_have_text(f"{at.astimezone(OWN.tz):%m-%d %H:%M}")
    await expect(shown).to_have_attribute("title", f"{at:%Y-%m-%d %H:%M:%S} UTC")
