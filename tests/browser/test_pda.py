"""The desk for returns on a phone: scan, a wrong scan stops loudly, a dead spot costs nothing (AFT-3, AFT-6)."""

import asyncio
from collections.abc import Awaitable, Callable
from io import BytesIO

from PIL import Image
from playwright.async_api import Page, Route, expect
from sqlalchemy import text

from clients.clock import utc_now
from domain.after_sales import CaseKind, CaseLine, NewCase, Origin
from domain.permissions import UserRole
from store import cases, places
from tests.browser.conftest import log_in, ready
from tests.browser.world import WORKER_MS, World, until

APPROVED = text(
    """
    UPDATE after_sales_case SET warehouse = 'S1', state = 'review', review = 'approved', returns = true WHERE no = :no
    """
)
Enter = Callable[..., Awaitable[Page]]
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True}


async def returned(world: World, no: str) -> str:
    """A return of two units that comes to a shop without a warehouse system."""
    key = await world.pay(no, units=2)
    await world.until_order(key, "EXISTS (SELECT 1 FROM fulfillment f WHERE f.order_key = key AND f.state = 'pushed')")
    await world.ship(no, f"SF{no}", units=2)
    await world.until_order(key, "shipped_at IS NOT NULL")
    new = NewCase(key, CaseKind.RETURN, Origin.AGENT, f"test:{no}", (CaseLine("1", "", 2),), "damaged", "alice")
    async with world.database.transaction() as tx:
        if "S1" not in await places.all_places(tx):
            await places.add(tx, places.Place("S1", "门店", "广东省"), "alice", utc_now())
    async with world.database.transaction() as tx:
        case = await cases.open_case(tx, world.ring, new, utc_now())
        await tx.execute(APPROVED, {"no": case})
    return case


async def at_desk(visit: Enter, listed: asyncio.Event | None = None) -> Page:
    """Open the desk on a phone; with an event its list comes only after that."""
    page = await visit(**PHONE)

    async def later(route: Route) -> None:
        if listed is not None:
            await listed.wait()
        await route.continue_()

    if listed is not None:
        await page.route("**/pda/api/todo", later)
    await page.goto("/login?next=/pda")
    await log_in(page, "warehouse1")
    await expect(page.locator("h1")).to_have_text("退货验收")
    return page


def picture() -> bytes:
    """A photo as a phone takes it: larger than what is sent."""
    file = BytesIO()
    Image.new("RGB", (2400, 1200), "red").save(file, "JPEG")
    return file.getvalue()


async def scan(page: Page, code: str) -> None:
    await page.fill("#scan", code)
    await page.press("#scan", "Enter")


async def test_an_inspection_survives_a_dead_spot_and_is_booked_once(world: World, visit: Enter) -> None:
    no = await returned(world, "R9001")

    async def waits() -> bool:
        return bool(await world.value("SELECT 1 FROM after_sales_case WHERE no = :no AND state = 'returning'", no=no))

    await until(waits, "the case waits for its goods")
    page = await at_desk(visit)
    await expect(page.locator(f"[data-no={no}]")).to_be_visible()
    await page.context.set_offline(True)
    await scan(page, no)
    await scan(page, "COAT")
    await expect(page.get_by_role("alertdialog")).to_contain_text("扫错了！COAT 不在这张退货单里")
    await page.get_by_role("button", name="知道了").click()
    await scan(page, "tee")
    await page.get_by_role("button", name="TEE 残次 +").click()
    await page.fill("#note", "袖口有划痕")
    await page.set_input_files("input[type=file]", {"name": "a.jpg", "mimeType": "image/jpeg", "buffer": picture()})
    await expect(page.get_by_text("已拍照，点此重拍")).to_be_visible()
    await expect(page.locator("#note")).to_have_value("袖口有划痕")
    await page.click("#submit")
    await expect(page.locator("#queue")).to_have_text("待发送 1 份")
    await expect(page.locator("#net")).to_contain_text("没有网络")
    assert await world.value("SELECT count(*) FROM inspection WHERE case_no = :no", no=no) == 0
    await page.context.set_offline(False)
    await expect(page.locator("#said")).to_contain_text(f"已提交 {no}")
    await expect(page.locator("#queue")).to_have_text("")
    await expect(page.locator(f"[data-no={no}]")).to_have_count(0, timeout=WORKER_MS)
    found = "SELECT string_agg(grade || ' ' || quantity, ', ' ORDER BY grade) FROM inspection WHERE case_no = :no"
    assert await world.value(found, no=no) == "defective 1, good 1"
    seen = "SELECT p.width FROM case_photo p JOIN inspection i ON i.photo_id = p.id WHERE i.case_no = :no LIMIT 1"
    assert await world.value(seen, no=no) == 1600
    shelf = "SELECT on_hand || ' ' || defective FROM warehouse_stock WHERE warehouse = 'S1' AND sku = 'TEE'"
    assert await world.value(shelf) == "1 1"

    async def pays() -> bool:
        return bool(await world.value("SELECT 1 FROM after_sales_case WHERE no = :no AND state = 'paying'", no=no))

    await until(pays, "the case pays")
    assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


async def test_a_parcel_of_nobody_is_noted_and_matched_on_the_console(world: World, visit: Enter, enter: Enter) -> None:
    no = await returned(world, "R9002")
    listed = asyncio.Event()
    page = await at_desk(visit, listed)
    await scan(page, "YT0000000000001")  # faster than the list of what is awaited
    listed.set()
    await page.get_by_role("button", name="是没人申报的包裹").click()
    await scan(page, "TEE")
    await page.context.set_offline(True)
    await page.click("#submit")
    await expect(page.locator("#queue")).to_have_text("待发送 1 份")
    again = await page.context.new_page()
    await page.close()  # the phone goes into a pocket; what waits is still there
    await again.context.set_offline(False)
    await again.goto("/pda")
    await expect(again.locator("#said")).to_contain_text("已提交 YT0000000000001")
    desk = await enter("/returns", UserRole.WAREHOUSE)
    await ready(desk)
    row = desk.locator("tr", has_text="YT0000000000001")
    await row.locator("form[data-act=match] [name=no]").fill(no)
    await row.get_by_role("button", name="归到售后单").click()
    await expect(desk.get_by_role("status")).to_contain_text(f"已归到 {no}")
    await expect(row).to_have_count(0)
    assert await world.value("SELECT state FROM unmatched_return WHERE waybill_no = 'YT0000000000001'") == "matched"
