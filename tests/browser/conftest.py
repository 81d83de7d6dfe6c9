"""One world and one Chromium per run. A page reports every request that would leave this machine, and every error."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import pytest
from playwright.async_api import Browser, BrowserContext, Page, Request

from domain.permissions import UserRole
from tests.browser.chromium import MISSING, chromium, must_not_be_skipped
from tests.browser.world import PASSWORD, World, open_world

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
FLAGS += ["--disable-component-update", "--disable-sync"]
ZONE = "Asia/Shanghai"
Enter = Callable[[str], Awaitable[Page]]


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """Launch the Chromium that was found; without one say so loudly."""
    found = chromium()
    if found is None:
        print(f"\n{MISSING}\n")
        if must_not_be_skipped():
            pytest.fail(MISSING)
        pytest.skip(MISSING)
    return {**browser_type_launch_args, "executable_path": found, "args": FLAGS}


@pytest.fixture(scope="session")
async def world(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """The installation under the console; not started when there is no browser."""
    async with open_world(tmp_path_factory.mktemp("browser")) as opened:
        yield opened


@pytest.fixture
def strangers() -> Iterator[list[str]]:
    """Every address outside the console that a page asked for: none may be there at the end."""
    asked: list[str] = []
    yield asked
    assert asked == []


@pytest.fixture
async def visit(world: World, browser: Browser, strangers: list[str]) -> AsyncIterator[Callable[..., Awaitable[Page]]]:
    """Open a browser of its own with nobody logged in; keyword arguments are the browser's."""
    opened: list[BrowserContext] = []

    async def open_page(**more: Any) -> Page:
        size = more.pop("viewport", {"width": 1280, "height": 800})
        context = await browser.new_context(base_url=world.console, viewport=size, timezone_id=ZONE, **more)
        context.set_default_timeout(10_000)
        opened.append(context)
        page = await context.new_page()
        page.on("request", lambda request: _note(request, world.console, strangers))
        return page

    yield open_page
    for context in opened:
        await context.close()


@pytest.fixture(scope="session")
def cookies() -> dict[UserRole, Any]:
    """The cookies of who has logged in."""
    return {}


@pytest.fixture
async def enter(visit: Callable[..., Awaitable[Page]], cookies: dict[UserRole, Any]) -> Callable[..., Awaitable[Page]]:
    """Open an address as somebody of a role, who logs in once a run."""

    async def as_role(address: str = "/", role: UserRole = UserRole.ADMIN, **more: Any) -> Page:
        page = await visit(**more)
        if role in cookies:
            await page.context.add_cookies(cookies[role])
            await page.goto(address)
        else:
            await page.goto(f"/login?next={address}")
            await log_in(page, f"{role.value}1")
        await ready(page)
        cookies.setdefault(role, await page.context.cookies())
        return page

    return as_role


async def log_in(page: Page, login: str, password: str = PASSWORD) -> None:
    """Fill in the form and send it."""
    await page.fill("[name=login]", login)
    await page.fill("[name=password]", password)
    await page.click("button.primary")


async def ready(page: Page) -> None:
    """Wait until the page listens to the server; before that its answers could not arrive."""
    await page.wait_for_function("window.did_handshake === true && document.querySelector('#main') !== null")


def _note(request: Request, console: str, strangers: list[str]) -> None:
    if not request.url.startswith((console, console.replace("http", "ws"), "data:", "blob:")):
        strangers.append(request.url)
