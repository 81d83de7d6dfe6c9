"""How much somebody may grant at once is decided in one place, wherever the decision comes from (AFT-2, SEC-2)."""

import pytest

from clients.console.words import said
from domain.after_sales import CaseKind, CaseState, Choice
from domain.after_sales_policy import may_grant
from domain.permissions import UserRole
from store import settings_docs
from store.database import Database
from store.keyring import KeyRing
from store.replay import By
from store.settings_versions import Change, SettingVersions
from store.users import ConsoleUsers
from tests.clients.test_console_words import chinese
from tests.conftest import NOON
from tests.store.builders import rows
from tests.store.case_world import CaseWorld, case_world

LIMIT = 1500
ROLES = {"ann": UserRole.AGENT, "finn": UserRole.FINANCE, "root": UserRole.ADMIN}


@pytest.fixture
async def world(fresh: Database, ring: KeyRing) -> CaseWorld:
    """A paid order of 20.00, and an agent's limit of 15.00."""
    made = await case_world(fresh, ring)
    await made.paid_order(A=2)
    versions = SettingVersions(fresh)
    active = await versions.one("after_sales")
    body = settings_docs.filled("after_sales", active.body) | {"agent_up_to_minor": LIMIT}
    await versions.activate("after_sales", body, Change("test", "a limit", NOON, active.version))
    return made


async def users(world: CaseWorld) -> None:
    for login, role in ROLES.items():
        await ConsoleUsers(world.database).add(login, role, "hash", By("test", NOON))


async def waiting(world: CaseWorld) -> str:
    """A case of 20.00 that waits for a review."""
    no = await world.open(CaseKind.COMPENSATION, "late", asked_by="buyer", wanted_minor=2000)
    assert (await world.look(no)).state is CaseState.REVIEW
    return no


async def test_more_than_the_limit_is_for_who_may_pay(world: CaseWorld) -> None:
    await users(world)
    no = await waiting(world)
    await ConsoleUsers(world.database).set_active("finn", False, By("test", NOON))
    for actor in ("ann", "cli", "nobody", "finn"):
        answer = await world.decide(no, Choice.APPROVE, actor, actor)
        words = f"20.00 is more than {actor} may grant at once (15.00): who may pay does it, or less"
        assert (answer.taken, answer.words) == (False, words)
        assert chinese(said(words))
        assert not (await world.decide(no, Choice.APPROVE, actor, f"{actor} 2", amount_minor=LIMIT + 1)).taken
    assert await rows(world.database, "SELECT key FROM refund_grant") == []
    assert (await world.decide(no, Choice.APPROVE, "root", "all of it")).taken


async def test_an_agent_grants_up_to_the_limit(world: CaseWorld) -> None:
    await users(world)
    assert (await world.decide(await waiting(world), Choice.APPROVE, "ann", amount_minor=LIMIT)).taken


async def test_before_the_first_user_is_added_nobody_is_limited(world: CaseWorld) -> None:
    assert (await world.decide(await waiting(world), Choice.APPROVE, "cli")).taken


def test_a_limit_binds_who_does_not_pay() -> None:
    assert may_grant(UserRole.AGENT, LIMIT, LIMIT)
    assert not may_grant(UserRole.AGENT, LIMIT + 1, LIMIT)
    assert not may_grant(None, LIMIT + 1, LIMIT)
    assert may_grant(UserRole.FINANCE, LIMIT + 1, LIMIT)
    assert may_grant(UserRole.AGENT, 10**9, None)
