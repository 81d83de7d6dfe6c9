"""Getting in and out: the first password, a wrong one, a page that was asked for before, roles (SEC-2, SEC-4)."""

import re
from collections.abc import Awaitable, Callable

from playwright.async_api import Page, expect

from domain.permissions import UserRole
from tests.browser.conftest import log_in, ready
from tests.browser.world import PASSWORD, World

Open = Callable[..., Awaitable[Page]]


async def test_the_first_password_is_said_once_and_must_be_changed(world: World, visit: Open) -> None:
    (note,) = world.installation.notes
    first = re.search(r"^admin · one-time password: (\S+)$", note)
    assert first
    page = await visit()
    await page.goto("/orders")
    await log_in(page, "admin", first[1])
    await expect(page).to_have_url(re.compile("/password$"))
    await page.goto("/orders")
    await expect(page).to_have_url(re.compile("/password$"))
    for name, words in (("old", first[1]), ("new", "short"), ("again", "short")):
        await page.fill(f"[name={name}]", words)
    await page.click("button.primary")
    await expect(page.get_by_role("alert")).to_contain_text("至少 10 个字符")
    for name, words in (("old", first[1]), ("new", PASSWORD), ("again", PASSWORD)):
        await page.fill(f"[name={name}]", words)
    await page.click("button.primary")
    await ready(page)
    await expect(page.get_by_role("banner")).to_contain_text("admin · 管理员")
    assert await world.value("SELECT must_change FROM console_user WHERE login = 'admin'") is False


async def test_a_wrong_password_is_refused_in_words_that_betray_nothing(world: World, visit: Open) -> None:
    page = await visit()
    told = []
    for login in ("agent1", "nobody-here"):
        await page.goto("/login")
        await log_in(page, login, "not the password")
        told.append(await page.get_by_role("alert").inner_text())
        await expect(page).to_have_url(re.compile("/login$"))
    assert told[0] == told[1]
    assert "用户名或密码不对" in told[0]
    assert await world.value("SELECT count(*) FROM audit WHERE action = 'login.failed' AND subject = 'agent1'") == 1


async def test_a_pasted_address_opens_after_the_login_and_not_before(visit: Open) -> None:
    page = await visit()
    await page.goto("/alerts?level=1-critical")
    await expect(page).to_have_url(re.compile(r"/login\?next="))
    await log_in(page, "agent1")
    await expect(page).to_have_url(re.compile(r"/alerts\?level=1-critical$"))
    await ready(page)
    await page.get_by_role("button", name="退出").click()
    await expect(page).to_have_url(re.compile("/login"))
    await page.goto("/orders")
    await expect(page).to_have_url(re.compile("/login"))


async def test_who_may_not_manage_users_sees_neither_the_page_nor_its_link(enter: Open) -> None:
    page = await enter("/users", UserRole.AGENT)
    await expect(page.locator("#main")).to_contain_text("您的角色不能做这件事，请找管理员")
    await expect(page.locator("header nav a", has_text="用户")).to_have_count(0)
    await expect(page.locator("form[data-act]")).to_have_count(0)
