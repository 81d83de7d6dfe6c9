"""An order in the console: found three ways, explained, decided about, refused in words, told to a buyer (FUL-14)."""

import re
from collections.abc import Awaitable, Callable

from playwright.async_api import Page, expect

from domain.permissions import UserRole
from tests.browser.conftest import ready
from tests.browser.world import LONG, World, until

Open = Callable[..., Awaitable[Page]]
WAYBILL = "SF1234567890123"


async def shipped(world: World, no: str, waybill: str) -> str:
    """Bring an order to its courier."""
    key = await world.pay(no, phone="13700001111")
    await world.until_order(key, "logistics_status = 'pushed'")
    await world.ship(no, waybill)
    await world.until_order(key, "status = 'shipped'")
    return key


async def search(page: Page, words: str) -> None:
    await page.keyboard.press("/")
    await expect(page.locator("#search")).to_be_focused()
    await page.keyboard.type(words)
    await page.keyboard.press("Enter")


async def test_an_order_is_found_by_number_waybill_and_phone(world: World, enter: Open) -> None:
    await shipped(world, "F1", WAYBILL)
    page = await enter("/orders", UserRole.AGENT)
    for words in ("F1", f"运单号：{WAYBILL}", "137 0000 1111"):
        await search(page, words)
        await expect(page).to_have_url(re.compile(r"/orders/own:mall:F1$"))
        await ready(page)


async def test_several_hits_are_listed_with_what_matched_and_a_miss_says_so(world: World, enter: Open) -> None:
    keys = [await world.pay(no, phone="13600002222") for no in ("G1", "G2")]
    for key in keys:
        await world.until_order(key, "true")
    page = await enter("/", UserRole.AGENT)
    await search(page, "13600002222")
    await expect(page.locator("#main")).to_contain_text("按手机号匹配")
    await expect(page.locator("#main tbody tr")).to_have_count(2)
    await ready(page)
    await search(page, "NO-SUCH-ORDER-99")
    await expect(page.locator("#main")).to_contain_text("没有找到：NO-SUCH-ORDER-99")


async def test_a_stuck_order_says_why_it_waits_and_goes_on_by_itself_when_stock_comes(
    world: World, enter: Open
) -> None:
    await world.stock("RARE", 1)
    key = await world.pay("S1", sku="RARE", units=3)
    await world.until_order(key, "stuck")
    page = await enter("/stuck", UserRole.ADMIN)
    await page.get_by_role("link", name="S1", exact=True).click()
    await ready(page)
    await expect(page.locator("#waits")).to_have_text("卡住：缺货：RARE")
    await expect(page.locator(".first")).to_contain_text("处理好原因后点“重试”")
    await expect(page.locator("#for-buyer")).to_contain_text("暂时缺货")
    await expect(page.locator("#act-release")).to_be_enabled()
    await expect(page.locator("#why-hold, #why-restart").first).to_be_visible()
    await page.goto("/stock/RARE")
    await ready(page)
    await expect(page.locator("#sum")).to_have_text("可售 1 = 在库 1 − 已分配 0 − 预占 0")
    await page.fill("#set-count", "50")
    await page.click("#set-save")
    await expect(page.locator(".said")).to_contain_text("GZ01 的 RARE 现在有 50 件（+49）")
    await page.goto("/orders/" + key)
    await ready(page)
    await expect(page.locator("#waits")).to_have_text(re.compile("^等仓库"))


async def decide(page: Page, name: str, reason: str = "") -> None:
    """Press a button and confirm in its form."""
    await page.click(f"#act-{name}")
    if reason:
        await page.fill(f"#ask-{name} textarea", reason)
    await page.click(f"#ask-{name} button[type=submit]")


async def test_an_order_is_cancelled_and_seen_cancelled(world: World, enter: Open) -> None:
    key = await world.pay("C1")
    await world.until_order(key, "logistics_status = 'pushed'")
    page = await enter(f"/orders/{key}", UserRole.AGENT)
    await expect(page.locator("#waits")).to_have_text("等仓库发货")
    await decide(page, "cancel", "买家不想要了")
    await expect(page.locator(".said")).to_contain_text("取消订单：已关闭：由 agent1 取消")
    await expect(page.locator("#waits")).to_contain_text("已关闭")
    await expect(page.locator("#act-cancel")).to_be_disabled()
    await expect(page.locator("#why-all")).to_contain_text("订单已结束")
    assert await world.value("SELECT status FROM orders WHERE key = :key", key=key) == "closed"
    sent = "SELECT actor || ': ' || (detail->>'reason') FROM audit WHERE action = 'decision.sent' AND subject = :key"
    assert await world.value(sent, key=key) == "agent1: 买家不想要了"
    await expect(page.locator("ol.story")).to_contain_text("发出决定 买家不想要了 取消订单")


async def test_what_has_shipped_cannot_be_cancelled_and_the_page_says_so_beforehand(world: World, enter: Open) -> None:
    key = await shipped(world, "C2", "SF2234567890123")
    page = await enter(f"/orders/{key}", UserRole.AGENT)
    await expect(page.locator("#act-cancel")).to_be_disabled()
    await expect(page.locator("#why-cancel")).to_have_text("货已发出，不能再改，请走售后")
    await expect(page.locator("#for-buyer")).to_contain_text("顺丰 SF2234567890123")


async def test_a_decision_that_comes_too_late_is_refused_in_the_workflows_own_words(world: World, enter: Open) -> None:
    key = await world.pay("C3")
    await world.until_order(key, "logistics_status = 'pushed'")
    page = await enter(f"/orders/{key}", UserRole.AGENT)
    await page.click("#act-cancel")  # the form is open while the parcel leaves
    await world.ship("C3", "SF3234567890123")
    await world.until_order(key, "status = 'shipped'")
    await page.click("#ask-cancel button[type=submit]")
    await expect(page.locator(".said [role=alert]")).to_contain_text("货已发出，不能再改，请走售后")


async def test_an_order_is_held_and_released_with_a_reason_in_its_story(world: World, enter: Open) -> None:
    key = await world.pay("H1")
    await world.until_order(key, "logistics_status = 'pushed'")
    page = await enter(f"/orders/{key}", UserRole.WAREHOUSE)
    await expect(page.locator("#why-cancel")).to_contain_text("您的角色不能做这件事，请找管理员、客服、财务")
    await decide(page, "hold", "等一张贺卡")
    await expect(page.locator("#waits")).to_have_text("已暂停：等一张贺卡")
    await expect(page.locator(".story").last).to_contain_text("等一张贺卡")
    await decide(page, "release")
    await expect(page.locator("#waits")).to_have_text("等仓库发货")


async def test_a_press_sent_twice_is_one_decision(world: World, enter: Open) -> None:
    key = await world.pay("N1")
    await world.until_order(key, "logistics_status = 'pushed'")
    page = await enter(f"/orders/{key}", UserRole.AGENT)
    nonce = await page.locator("#ask-cancel input[name=nonce]").input_value()
    given = f"{{act: 'cancel', nonce: '{nonce}', reason: ''}}"
    await page.evaluate(f"emitEvent('act', {given}); emitEvent('act', {given})")
    await expect(page.locator("#waits")).to_contain_text("已关闭")
    sent = "SELECT count(*) FROM audit WHERE action = 'decision.sent' AND subject = :key"
    assert await world.value(sent, key=key) == 1


async def test_a_receiver_is_masked_until_somebody_asks_who_is_then_on_record(world: World, enter: Open) -> None:
    key = await world.pay("P1", title=LONG, sku="COAT")
    await world.until_order(key, "true")
    page = await enter(f"/orders/{key}", UserRole.AGENT)
    await expect(page.locator("#main")).not_to_contain_text("科技园南路9号")
    await expect(page.locator("#main")).to_contain_text("139****5678")
    await page.click("#reveal")
    await expect(page.locator("#main")).to_contain_text("科技园南路9号")
    on_record = "SELECT actor FROM audit WHERE action = 'contact.revealed' AND subject = :key"
    assert await world.value(on_record, key=key) == "agent1"


async def test_the_page_links_to_its_workflow_and_to_its_raw_messages(world: World, enter: Open) -> None:
    key = await world.pay("T1")
    await world.until_order(key, "logistics_status = 'pushed'")
    page = await enter(f"/orders/{key}", UserRole.ADMIN)
    temporal = page.get_by_role("link", name="在 Temporal 中查看流程")
    await expect(temporal).to_have_attribute("href", re.compile(rf"/namespaces/oms/workflows/order:{key}$"))
    await page.get_by_role("link", name=re.compile(r"^消息 \d+$")).last.click()
    await ready(page)
    await page.click("#open-raw")
    await expect(page.locator("#raw")).to_contain_text('"no": "T1"')

    statement = "SELECT 1 FROM audit WHERE action = 'inbox.opened' AND actor = 'admin1'"

    async def on_record() -> bool:
        return bool(await world.value(statement))

    await until(on_record, "the opening is on record")


async def test_a_press_that_a_role_may_not_make_is_refused_on_the_server(world: World, enter: Open) -> None:
    key = await world.pay("X1")
    await world.until_order(key, "logistics_status = 'pushed'")
    page = await enter(f"/orders/{key}", UserRole.WAREHOUSE)
    nonce = await page.locator("#ask-cancel input[name=nonce]").input_value()
    await page.evaluate(f"emitEvent('act', {{act: 'cancel', nonce: '{nonce}'}})")
    await expect(page.locator(".said [role=alert]")).to_contain_text("您的角色不能做这件事")
    assert await world.value("SELECT closed_at FROM orders WHERE key = :key", key=key) is None
