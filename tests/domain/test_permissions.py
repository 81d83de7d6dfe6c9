"""Who may do what: the table holds what the roles' work needs, and no more (SEC-2)."""

import pytest

from domain.permissions import ALLOWED, Action, UserRole, may, who_may

AGENT, WAREHOUSE, FINANCE, ADMIN = UserRole.AGENT, UserRole.WAREHOUSE, UserRole.FINANCE, UserRole.ADMIN


@pytest.mark.parametrize(
    ("action", "roles"),
    [
        (Action.SEE_ORDERS, {ADMIN, AGENT, WAREHOUSE, FINANCE}),
        (Action.CANCEL, {ADMIN, AGENT, FINANCE}),
        (Action.HOLD, {ADMIN, AGENT, WAREHOUSE}),
        (Action.SKIP, {ADMIN, WAREHOUSE}),
        (Action.RESTART, {ADMIN}),
        (Action.SET_STOCK, {ADMIN, WAREHOUSE}),
        (Action.SEE_SUPPLY, {ADMIN, WAREHOUSE, FINANCE}),
        (Action.COUNT_STOCK, {ADMIN, WAREHOUSE}),
        (Action.DECIDE_APPROVAL, {ADMIN, WAREHOUSE}),
        (Action.MOVE_STOCK, {ADMIN, WAREHOUSE}),
        (Action.OPEN_RAW, {ADMIN}),
        (Action.OPEN_CONTACT, {ADMIN, AGENT}),
        (Action.SEE_SERVICE, {ADMIN, AGENT, WAREHOUSE, FINANCE}),
        (Action.HANDLE_EXCEPTION, {ADMIN, AGENT, WAREHOUSE, FINANCE}),
        (Action.CONFIRM_RED_LETTER, {ADMIN, FINANCE}),
        (Action.POST_RECEIVABLES, {ADMIN, FINANCE}),
        (Action.REPLAY, {ADMIN}),
        (Action.MANAGE_USERS, {ADMIN}),
        (Action.SEE_CASES, {ADMIN, AGENT, WAREHOUSE, FINANCE}),
        (Action.DECIDE_CASE, {ADMIN, AGENT}),
        (Action.PAY_CASE, {ADMIN, FINANCE}),
    ],
)
def test_an_action_belongs_to_its_roles(action: Action, roles: set[UserRole]) -> None:
    assert set(who_may(action)) == roles
    assert {role for role in UserRole if may(role, action)} == roles


def test_every_role_is_in_the_table_and_every_action_has_somebody() -> None:
    assert set(ALLOWED) == set(UserRole)
    assert all(who_may(action) for action in Action)
