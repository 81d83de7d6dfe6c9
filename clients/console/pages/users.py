"""/users: who may work here. One-time passwords are shown once, to the administrator who asked."""

from dataclasses import dataclass

from markupsafe import Markup
from starlette.requests import Request

from clients.console.frame import Desk, framed, not_allowed, page_at
from clients.console.html import Child, badge, body, moment, section, tag
from clients.console.words import ROLES
from clients.passwords import Passwords, check_login, one_time_password
from domain.errors import BadInput
from domain.permissions import Action, UserRole
from store.replay import By
from store.users import ConsoleUsers, User

TEXTS = {
    "title": "用户",
    "add": "添加用户",
    "login": "用户名",
    "role": "角色",
    "state": "状态",
    "seen": "上次登录",
    "create": "添加",
    "login_rule": "2 到 32 个小写字母、数字、点、横线，不要用真实姓名",
    "added": "已添加 {login}。一次性密码（只显示这一次）：{password}",
    "reset": "重设密码",
    "renewed": "{login} 的一次性密码（只显示这一次）：{password}",
    "off": "停用",
    "on": "启用",
    "change": "改为",
    "role_changed": "{login} 现在是{role}。",
    "deactivated": "{login} 已停用，已登录的页面会退出。",
    "activated": "{login} 可以登录了。",
    "active": "正常",
    "inactive": "已停用",
    "one_time": "一次性密码待修改",
    "never": "从未",
    "taken": "用户名已被使用，请换一个",
    "bad_role": "请选择一个角色",
    "bad_login": "用户名不能用：2 到 32 个小写字母、数字、点或横线，例如 alice",
}


def register(desk: Desk) -> None:
    """Register the page."""

    @page_at("/users")
    async def users(request: Request) -> None:
        await _draw(desk, request)


async def _draw(desk: Desk, request: Request) -> None:
    frame = framed(desk, request, TEXTS["title"], "/users")
    users = ConsoleUsers(desk.database)

    async def read() -> Markup:
        if not frame.may(Action.MANAGE_USERS):
            return body(tag("p", badge(not_allowed(Action.MANAGE_USERS), "warn")))
        rows = [_row(user) for user in await users.all()]
        heads = [tag("th", TEXTS[name], scope="col") for name in ("login", "role", "state", "seen")]
        shown = tag("table", tag("thead", tag("tr", heads, tag("th", ""))), tag("tbody", rows), class_="cards")
        return body(tag("h1", TEXTS["title"]), tag("div", shown, class_="scroll"))

    async def form() -> Markup:
        return _form() if frame.may(Action.MANAGE_USERS) else Markup()

    acts = UserActs(users, Passwords())
    for name, handler in (("add", acts.add), ("renew", acts.renew), ("activate", acts.activate), ("role", acts.role)):
        frame.on(name, Action.MANAGE_USERS, handler)
    await frame.show(read)
    await frame.show(form, seconds=0)


@dataclass(frozen=True, slots=True)
class UserActs:
    """What an administrator does to users."""

    users: ConsoleUsers
    passwords: Passwords

    async def add(self, given: dict[str, str], by: By) -> str:
        """Add a user with a one-time password."""
        password, login = one_time_password(), given.get("login", "").strip()
        try:
            check_login(login)
        except BadInput:
            raise BadInput(TEXTS["bad_login"]) from None
        if any(user.login == login for user in await self.users.all()):
            raise BadInput(TEXTS["taken"])
        await self.users.add(login, _role(given), await self.passwords.hash(password), by)
        return TEXTS["added"].format(login=login, password=password)

    async def renew(self, given: dict[str, str], by: By) -> str:
        """Draw a new one-time password."""
        password, login = one_time_password(), given.get("login", "")
        await self.users.set_password(login, await self.passwords.hash(password), by, must_change=True)
        return TEXTS["renewed"].format(login=login, password=password)

    async def activate(self, given: dict[str, str], by: By) -> str:
        """Let a user in, or keep the user out."""
        login, active = given.get("login", ""), given.get("active") == "1"
        await self.users.set_active(login, active, by)
        return TEXTS["activated" if active else "deactivated"].format(login=login)

    async def role(self, given: dict[str, str], by: By) -> str:
        """Give a user another role."""
        login, role = given.get("login", ""), _role(given)
        await self.users.set_role(login, role, by)
        return TEXTS["role_changed"].format(login=login, role=ROLES[role])


def _role(given: dict[str, str]) -> UserRole:
    if given.get("role") not in list(UserRole):
        raise BadInput(TEXTS["bad_role"])
    return UserRole(given["role"])


def _row(user: User) -> Markup:
    state = (
        ("inactive", "calm") if not user.active else ("one_time", "warn") if user.must_change else ("active", "good")
    )
    switch = tag(
        "button",
        TEXTS["off" if user.active else "on"],
        data_act="activate",
        data_login=user.login,
        data_active="0" if user.active else "1",
        class_="danger" if user.active else None,
    )
    renew = tag("button", TEXTS["reset"], data_act="renew", data_login=user.login)
    roles = [
        tag("button", TEXTS["change"] + ROLES[role], data_act="role", data_login=user.login, data_role=role.value)
        for role in UserRole
        if role is not user.role
    ]
    more: Child = tag("details", tag("summary", TEXTS["role"]), tag("div", roles, class_="row"))
    cells: dict[str, Child] = {
        "login": user.login,
        "role": ROLES[user.role],
        "state": badge(TEXTS[state[0]], state[1]),
        "seen": moment(user.seen_at, empty=TEXTS["never"]),
    }
    shown = [tag("td", content, data_label=TEXTS[name]) for name, content in cells.items()]
    return tag("tr", shown, tag("td", tag("div", switch, renew, more, class_="row"), data_label=""))


def _form() -> Markup:
    options = [tag("option", ROLES[role], value=role.value) for role in reversed(UserRole)]
    fields = [
        tag(
            "label",
            tag("span", TEXTS["login"]),
            tag("input", name="login", required=True, maxlength=32, id="new-login"),
        ),
        tag("label", tag("span", TEXTS["role"]), tag("select", options, name="role")),
        tag("button", TEXTS["create"], class_="primary"),
        tag("span", TEXTS["login_rule"], class_="faint"),
    ]
    return tag("div", section(TEXTS["add"], tag("form", fields, data_act="add", class_="filters")), class_="below")
