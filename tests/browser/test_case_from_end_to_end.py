"""A return as all who touch it see it: the buyer's phone, the agent's desk, the warehouse's phone, finance.

One case from the buyer's photo to the money, with nothing decided behind anybody's back (AFT-1 to AFT-4, AFT-6, AFT-7).
"""

import re
from collections.abc import Awaitable, Callable

from playwright.async_api import FilePayload, Page, expect
from sqlalchemy import text

from clients.clock import utc_now
from connectors.files.label_print import NEEDED, print_reader
from domain.permissions import UserRole
from store import places
from tests.browser.conftest import ready
from tests.browser.test_cases import NUMBER, until_state
from tests.browser.test_pda import at_desk, scan
from tests.browser.test_portal import Take, fits, link, photo, shipped, take
from tests.browser.world import World, until
from tests.connectors.label_pictures import badly_shot, jpeg, label, leaning, plain

Open = Callable[..., Awaitable[Page]]
WAYBILL = "SF1234500000077"
TO_THE_STORE = text("UPDATE after_sales_case SET warehouse = 'S2' WHERE order_key = :key")
READING = "SELECT reading FROM case_photo WHERE case_no = :no AND kind = 'label' ORDER BY id LIMIT 1"

__all__ = ["take"]


def parcel_label() -> FilePayload:
    """The label of the parcel as the buyer takes a photo of it."""
    return FilePayload(name="label.jpg", mimeType="image/jpeg", buffer=jpeg(leaning(plain(WAYBILL), 5)))


def printed_label() -> FilePayload:
    """A label without a bar code, in bad light: print only."""
    words = ("No. SF 123 450 000 0077", "TEL 13800138000", "PCS 1 / 1")
    shot = badly_shot(leaning(label(lines=words), 4), seed=4)
    return FilePayload(name="printed.jpg", mimeType="image/jpeg", buffer=jpeg(shot))


async def test_from_the_buyers_photo_to_the_money_and_not_a_second_time(
    world: World, take: Take, enter: Open, visit: Open
) -> None:
    key = await shipped(world, "CASE1", "SF90100", units=2)
    async with world.database.transaction() as tx:
        if "S2" not in await places.all_places(tx):
            await places.add(tx, places.Place("S2", "体验店", "广东省"), "alice", utc_now())
    buyer = await take(await link(world, key))
    await _applies(buyer)
    no = str(await world.value(NUMBER, key=key))
    async with world.database.transaction() as tx:
        await tx.execute(TO_THE_STORE, {"key": key})  # a place that looks at its returns itself
    await until_state(world, key, "review")
    await _approves(enter, no)
    await until_state(world, key, "returning")
    await _sends_label(world, buyer, no)
    await _inspects(visit, no)
    await until_state(world, key, "paying")
    await _pays(enter, no)
    await buyer.goto(f"/portal/case/{no}")
    await expect(buyer.locator("main")).to_contain_text("¥318.00")
    await expect(buyer.locator("main")).to_contain_text("退款完成")
    await fits(buyer)
    await buyer.goto("/portal/apply/return")
    await expect(buyer.locator("main")).to_contain_text("已全部退款")
    assert await world.value("SELECT count(*) FROM payout WHERE order_key = :key", key=key) == 1
    shelf = "SELECT on_hand || ' ' || defective FROM warehouse_stock WHERE warehouse = 'S2' AND sku = 'TEE'"
    assert await world.value(shelf) == "1 1"


async def _applies(buyer: Page) -> None:
    """The buyer asks to send back both units, with a photo."""
    await buyer.wait_for_url("**/portal/order")
    await buyer.click("a[href='/portal/apply']")
    await buyer.click("a[href='/portal/apply/return']")
    await buyer.select_option("select", "2")
    await buyer.check("input[value=other]")
    await buyer.click("button.primary")
    await buyer.wait_for_url("**/check?*")
    assert await buyer.inner_text("#sum") == "¥318.00"
    await buyer.set_input_files("input[type=file]", [photo("torn")])
    await buyer.fill("textarea", "袖口开线")
    await buyer.click("button.primary")
    await buyer.wait_for_url(re.compile(r"/portal/case/C\d+$"))


async def _approves(enter: Open, no: str) -> None:
    agent = await enter(f"/cases/{no}", UserRole.AGENT)
    await expect(agent.locator("#main")).to_contain_text("袖口开线")
    await agent.click("#act-approve")
    await agent.click("#ask-approve button[type=submit]")
    await expect(agent.locator(".said")).to_contain_text(f"{no} 同意：已同意")
    await ready(agent)


async def _sends_label(world: World, buyer: Page, no: str) -> None:
    """The number is read off the photo: nobody types it. What is read off print alone is asked about first."""
    await _uploads(buyer, no, printed_label())
    await _print_is_asked_about(world, buyer, no)
    await _uploads(buyer, no, parcel_label())

    async def read() -> bool:
        found = await world.value("SELECT waybill_no FROM after_sales_case WHERE no = :no", no=no)
        return bool(found == WAYBILL)

    await until(read, "the number is read off the label")
    await buyer.goto(f"/portal/case/{no}")
    await expect(buyer.locator("main")).to_contain_text(WAYBILL)


async def _uploads(buyer: Page, no: str, photo_of_label: FilePayload) -> None:
    await buyer.goto(f"/portal/case/{no}")
    await buyer.wait_for_selector(".acts.you")
    await buyer.set_input_files("form[action$='/label'] input[type=file]", photo_of_label)
    await buyer.click("form[action$='/label'] button")
    await buyer.wait_for_url("**/portal/case/*?news=label_saved")


async def _print_is_asked_about(world: World, buyer: Page, no: str) -> None:
    """Without the optional reader of print, the buyer hears that nothing could be read: never a wrong number."""

    async def looked_at() -> bool:
        return await world.value(READING, no=no) not in {"waiting", None}

    await until(looked_at, "the printed label was looked at")
    await buyer.goto(f"/portal/case/{no}")
    if print_reader() is None:
        print(f"print is not read here: {', '.join(NEEDED)} are not installed (make setup-ocr)")
        assert await world.value(READING, no=no) == "unread"
        await expect(buyer.locator("main")).to_contain_text("面单上没有读出运单号")
    else:
        assert await world.value(READING, no=no) == "unsure"
        await expect(buyer.locator("main")).to_contain_text(f"面单上好像是 {WAYBILL}")
    assert await world.value("SELECT waybill_no FROM after_sales_case WHERE no = :no", no=no) == ""


async def _inspects(visit: Open, no: str) -> None:
    """The store finds one good and one damaged."""
    desk = await at_desk(visit)
    await expect(desk.locator(f"[data-no={no}]")).to_be_visible()
    await scan(desk, WAYBILL)
    await scan(desk, "TEE")
    await desk.get_by_role("button", name="TEE 残次 +").click()
    await desk.click("#submit")
    await expect(desk.locator("#said")).to_contain_text(f"已提交 {no}")


async def _pays(enter: Open, no: str) -> None:
    finance = await enter(f"/cases/{no}", UserRole.FINANCE)
    await finance.click("#act-paid_by_hand")
    await finance.fill("#ask-paid_by_hand [name=reference]", "BANK-77")
    await finance.click("#ask-paid_by_hand button[type=submit]")
    await expect(finance.locator("#waits")).to_have_text("已结束：已退款")
