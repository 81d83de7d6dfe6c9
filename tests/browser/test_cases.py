"""After-sales at the console: opened from an order, decided with less, explained to the fen (AFT-3, EXC-4)."""

import io
import re
from collections.abc import Awaitable, Callable

from PIL import Image
from playwright.async_api import FilePayload, Page, expect

from clients.clock import utc_now
from domain.after_sales import CaseKind, NewCase, Origin
from domain.permissions import UserRole
from store import cases
from tests.browser.conftest import ready
from tests.browser.world import World, until

Open = Callable[..., Awaitable[Page]]
STATE = "SELECT state FROM after_sales_case WHERE order_key = :key ORDER BY no DESC LIMIT 1"
NUMBER = "SELECT no FROM after_sales_case WHERE order_key = :key ORDER BY no DESC LIMIT 1"


async def sent(world: World, no: str, waybill: str, units: int = 1) -> str:
    """Bring an order of a buyer of its own to its courier."""
    key = await world.pay(no, units=units, phone="13700001113")
    await world.until_order(key, "logistics_status = 'pushed'")
    await world.ship(no, waybill, units=units)
    await world.until_order(key, "status = 'shipped'")
    return key


async def until_state(world: World, key: str, state: str) -> None:
    async def seen() -> bool:
        return bool(await world.value(STATE, key=key) == state)

    await until(seen, f"the case of {key} is {state}")


async def opened(page: Page, world: World, key: str) -> str:
    """Fill in the form on the order's page, and wait until the case waits for an agent; its number."""
    await page.click("#act-case")
    form = page.locator("#ask-open_case")
    await form.locator("[name='units:1']").select_option("2")
    await expect(form.locator("output")).to_have_text("¥318.00")
    await form.locator("[name='units:1']").select_option("7")
    await expect(form.locator("output")).to_have_text("¥1,113.00")
    await form.locator("[name=reason]").select_option("other")
    await form.locator("[name=words]").fill("袖口脱线")
    await form.locator("button[type=submit]").click()
    await expect(page.locator(".said")).to_contain_text("已申请售后 C")
    await until_state(world, key, "review")
    return str(await world.value(NUMBER, key=key))


async def approve(page: Page, amount: str, told: str) -> None:
    await page.click("#act-approve")
    await page.fill("#ask-approve [name=amount]", amount)
    await page.click("#ask-approve button[type=submit]")
    await expect(page.locator(".said")).to_contain_text(told)


async def test_an_agent_opens_a_case_from_an_order_approves_less_and_sees_the_money_line_by_line(
    world: World, enter: Open
) -> None:
    key = await sent(world, "AS1", "SF7770000000001", 7)
    page = await enter(f"/orders/{key}", UserRole.AGENT)
    await expect(page.locator("#why-cancel")).to_have_text("货已发出，不能再改，请走售后")
    no = await opened(page, world, key)
    await page.locator("#cases").get_by_role("link", name=no).click()
    await ready(page)
    await expect(page.locator("#waits")).to_have_text("等客服审核")
    await expect(page.locator(".first")).to_contain_text("由客服处理")
    await expect(page.locator(".first .chip")).to_contain_text("剩")
    await expect(page.locator("#verdict")).to_contain_text("“其他”")
    await expect(page.locator("#main")).to_contain_text("袖口脱线")
    await expect(page.locator("#why-paid_by_hand")).to_contain_text("请找管理员、财务")
    await expect(page.locator("#act-retry_payout")).to_be_disabled()
    await expect(page.locator("#ask-approve")).to_contain_text("您一次最多可批准 ¥1,000.00")
    await approve(page, "1160", "不能退 ¥1,160.00，最多可退 ¥1,113.00")
    await approve(page, "", "超过客服可批准的 ¥1,000.00")
    await approve(page, "59.5", f"{no} 同意：已同意")
    await until_state(world, key, "paying")
    sums = page.locator("#arithmetic")
    await expect(sums).to_contain_text("实付分摊 ¥1,113.00，7 / 7 件")
    await expect(sums.locator("tr", has_text="核准退款")).to_contain_text("¥59.50")
    await expect(page.locator("#waits")).to_have_text("等财务人工打款")
    await expect(page.locator("#why-approve")).to_have_text("现在待打款，不需要审核")
    finance = await enter("/cases?state=paying", UserRole.FINANCE)
    await finance.get_by_role("link", name=no).click()
    await ready(finance)
    await finance.click("#act-paid_by_hand")
    await finance.fill("#ask-paid_by_hand [name=reference]", "BANK-2026-1")
    await finance.click("#ask-paid_by_hand button[type=submit]")
    await expect(finance.locator("#waits")).to_have_text("已结束：已退款")
    await expect(finance.locator("#arithmetic")).to_contain_text("BANK-2026-1")
    await expect(finance.locator("ol.story")).to_contain_text("售后结束 已退款")
    await expect(finance.locator("#why-paid_by_hand")).to_contain_text("售后单已结束")


def picture(words: str) -> FilePayload:
    """Draw a photo that tells where it was taken."""
    file, exif = io.BytesIO(), Image.Exif()
    exif[0x010E] = words
    Image.effect_noise((640, 480), 40).convert("RGB").save(file, "JPEG", exif=exif)
    return FilePayload(name="IMG_1.JPG", mimeType="image/jpeg", buffer=file.getvalue())


async def test_an_agent_adds_evidence_photos_and_sees_them_at_once(world: World, enter: Open) -> None:
    """AFT-1: the same limits as on the buyers' page, nothing of the phone is kept; a bad one keeps none."""
    key = await sent(world, "AS3", "SF7770000000003")
    case = NewCase(key, CaseKind.COMPENSATION, Origin.AGENT, "evidence", (), "damaged", "alice", wanted_minor=9000)
    async with world.database.transaction() as tx:
        no = await cases.open_case(tx, world.ring, case, utc_now())
    page = await enter(f"/cases/{no}", UserRole.AGENT)
    bad = FilePayload(name="x.jpg", mimeType="image/jpeg", buffer=b"%PDF-1.7 no photo")
    await page.set_input_files("#evidence", [picture("good"), bad])
    await page.click("#send-evidence")
    await expect(page.locator(".said")).to_contain_text("不是照片")
    kept = "SELECT count(*) FROM case_photo WHERE case_no = :no AND kind = 'evidence'"
    assert await world.value(kept, no=no) == 0
    await page.set_input_files("#evidence", [picture("home of somebody"), picture("another")])
    await page.click("#send-evidence")
    await expect(page.locator(".said")).to_contain_text("已添加")
    await expect(page.locator(".photos img").first).to_be_visible()
    assert await world.value(kept, no=no) >= 1
    sides = "[...document.querySelectorAll('.photos img')].every(one => one.naturalWidth > 0)"
    await page.wait_for_function(sides)
    seen = "SELECT count(*) FROM audit WHERE subject = :no AND action = 'case.photo_opened'"
    assert await world.value(seen, no=no) >= 1
    body = await page.request.get(str(await page.locator(".photos img").first.get_attribute("src")))
    assert b"home of somebody" not in await body.body()
    eyes = await enter(f"/cases/{no}", UserRole.WAREHOUSE)
    await expect(eyes.locator("#evidence")).to_have_count(0)


async def test_the_queue_is_searched_taken_from_and_counted(world: World, enter: Open) -> None:
    key = await sent(world, "AS2", "SF7770000000002")
    page = await enter(f"/orders/{key}", UserRole.AGENT)
    await page.click("#act-open_case")
    await page.locator("#ask-open_case [name='units:1']").select_option("1")
    await page.locator("#ask-open_case [name=reason]").select_option("other")
    await page.locator("#ask-open_case button[type=submit]").click()
    await until_state(world, key, "review")
    no = str(await world.value(NUMBER, key=key))
    admin = await enter("/cases", UserRole.ADMIN)
    await expect(admin.locator("tr", has_text=no)).to_contain_text("agent1")
    await admin.click(f"#take-{no}")
    await expect(admin.locator(".said")).to_contain_text(f"{no} 由我处理：现在由 admin1 处理")
    await admin.fill("#case-q", "SF7770000000002")
    await admin.keyboard.press("Enter")
    await expect(admin.locator("#main")).to_contain_text("找到 1 张售后单")
    await admin.get_by_role("link", name=no).click()
    await ready(admin)
    await admin.click("#act-hand_over")
    await admin.locator("#ask-hand_over [name=owner]").select_option("agent1")
    await admin.click("#ask-hand_over button[type=submit]")
    await expect(admin.locator(".first")).to_contain_text("负责人 agent1")
    await admin.goto("/cases/reports")
    await ready(admin)
    await expect(admin.locator("#reasons tbody tr").first).to_be_visible()
    answer = await admin.request.get("/cases/reports/cases.csv?by=sku")
    assert answer.ok
    assert "商品,TEE,其他原因" in (await answer.body()).decode("utf-8-sig")
    await admin.get_by_role("link", name=re.compile("^TEE$")).click()
    await ready(admin)
    await expect(admin.locator("tr", has_text=no)).to_be_visible()
    await admin.goto(f"/search?q={no.lower()}")
    await expect(admin).to_have_url(re.compile(rf"/cases/{no}$"))
