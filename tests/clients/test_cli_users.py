"""`oms user`: one-time passwords, roles, and an administrator who is always left (SEC-2)."""

import re

from store.database import Database
from store.users import ConsoleUsers
from tests.clients.worlds import Oms, rows


async def test_a_user_is_added_with_a_one_time_password_that_is_stored_only_as_a_hash(
    oms: Oms, database: Database
) -> None:
    code, said = await oms("user", "add", "alice", "--role", "agent", "--actor", "root")
    assert code == 0, said
    password = re.search(r"one-time password .*: (\S+)$", said.strip())
    assert password
    account = await ConsoleUsers(database).account("alice")
    assert account is not None
    assert account.password_hash.startswith("$argon2id$")
    assert password[1] not in account.password_hash
    entries = [row for row in await rows(database, "audit") if row.action == "user.added"]
    assert [(row.actor, row.subject) for row in entries] == [("root", "alice")]
    assert password[1] not in str(entries)
    code, said = await oms("user", "list")
    assert (code, "has a one-time password" in said) == (0, True)


async def test_what_cannot_be_is_refused_in_one_line(oms: Oms) -> None:
    assert (await oms("user", "list"))[1].startswith("no users yet")
    await oms("user", "add", "alice", "--role", "agent")
    for words in (
        ["user", "add", "alice", "--role", "agent"],
        ["user", "add", "Alice Wang", "--role", "agent"],
        ["user", "role", "bob", "admin"],
        ["user", "password", "bob"],
        ["user", "deactivate", "bob"],
    ):
        code, said = await oms(*words)
        assert (code, len(said.strip().splitlines())) == (2, 1), said
    assert (await oms("user", "add", "bob", "--role", "king"))[0] == 2


async def test_the_last_administrator_stays(oms: Oms, database: Database) -> None:
    await oms("user", "add", "root", "--role", "admin")
    for words in (["user", "deactivate", "root"], ["user", "role", "root", "agent"]):
        code, said = await oms(*words)
        assert (code, "last administrator" in said) == (2, True)
    await oms("user", "add", "second", "--role", "admin")
    assert (await oms("user", "role", "root", "agent"))[0] == 0
    assert (await oms("user", "deactivate", "second"))[0] == 2
    assert (await oms("user", "deactivate", "root"))[0] == 0
    assert (await oms("user", "activate", "root"))[0] == 0
    assert [(user.login, user.active) for user in await ConsoleUsers(database).all()] == [
        ("root", True),
        ("second", True),
    ]


async def test_a_new_password_is_one_time_again(oms: Oms, database: Database) -> None:
    await oms("user", "add", "alice", "--role", "agent")
    before = await ConsoleUsers(database).account("alice")
    code, said = await oms("user", "password", "alice")
    after = await ConsoleUsers(database).account("alice")
    assert (code, "one-time password" in said) == (0, True)
    assert before != after
