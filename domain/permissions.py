"""Who may do what: one table of roles and actions (SEC-2). Owns the words; who has which role is in the store."""

from enum import StrEnum


class UserRole(StrEnum):
    """What somebody works as."""

    ADMIN = "admin"
    AGENT = "agent"
    WAREHOUSE = "warehouse"
    FINANCE = "finance"


class Action(StrEnum):
    """Everything that the console asks about before it shows or does it."""

    SEE_ORDERS = "see_orders"
    SEE_STOCK = "see_stock"
    SEE_SHOPS = "see_shops"
    SEE_INBOX = "see_inbox"
    SEE_ALERTS = "see_alerts"
    SEE_SUPPLY = "see_supply"
    OPEN_RAW = "open_raw"
    OPEN_CONTACT = "open_contact"
    CANCEL = "cancel"
    HOLD = "hold"
    RELEASE = "release"
    RETRY = "retry"
    SKIP = "skip"
    RESTART = "restart"
    CLEAR_ALERT = "clear_alert"
    SET_STOCK = "set_stock"
    STOP_SALE = "stop_sale"
    CHANGE_POOLS = "change_pools"
    DECIDE_PROPOSAL = "decide_proposal"
    COUNT_STOCK = "count_stock"
    DECIDE_APPROVAL = "decide_approval"
    MOVE_STOCK = "move_stock"
    REPLAY = "replay"
    EDIT_SETTINGS = "edit_settings"
    MANAGE_USERS = "manage_users"
    TEST_MESSAGE = "test_message"
    SEE_CASES = "see_cases"
    DECIDE_CASE = "decide_case"
    PAY_CASE = "pay_case"
    INSPECT = "inspect"
    MATCH_RETURN = "match_return"
    LINK_BUYER = "link_buyer"
    SEE_SERVICE = "see_service"
    HANDLE_EXCEPTION = "handle_exception"
    CONFIRM_RED_LETTER = "confirm_red_letter"
    POST_RECEIVABLES = "post_receivables"


_SEES = frozenset(
    {
        Action.SEE_ORDERS,
        Action.SEE_STOCK,
        Action.SEE_SHOPS,
        Action.SEE_INBOX,
        Action.SEE_ALERTS,
        Action.SEE_CASES,
    }
)
_STEERS = frozenset({Action.SET_STOCK, Action.STOP_SALE, Action.CHANGE_POOLS, Action.DECIDE_PROPOSAL})
"""What the supply chain does with stock."""

_SUPPLIES = frozenset({Action.SEE_SUPPLY, Action.COUNT_STOCK, Action.DECIDE_APPROVAL, Action.MOVE_STOCK})
"""Counts, transfers, inbound shipments and what waits for a second person."""

_SERVES = frozenset({Action.SEE_SERVICE, Action.HANDLE_EXCEPTION})
"""The service board: tickets, exceptions, claims."""

_RETURNS = frozenset({Action.INSPECT, Action.MATCH_RETURN})
"""What the warehouse does with goods that come back."""

ALLOWED: dict[UserRole, frozenset[Action]] = {
    UserRole.ADMIN: frozenset(Action),
    UserRole.AGENT: _SEES
    | {Action.OPEN_CONTACT, Action.CANCEL, Action.HOLD, Action.RELEASE, Action.RETRY, Action.CLEAR_ALERT}
    | {Action.MATCH_RETURN, Action.LINK_BUYER}
    | {Action.DECIDE_CASE}
    | _SERVES,
    UserRole.WAREHOUSE: _SEES
    | _STEERS
    | _SUPPLIES
    | _RETURNS
    | _SERVES
    | {Action.HOLD, Action.RELEASE, Action.RETRY, Action.SKIP},
    UserRole.FINANCE: _SEES
    | _SERVES
    | {Action.CONFIRM_RED_LETTER, Action.PAY_CASE}
    | {Action.POST_RECEIVABLES}
    | {Action.SEE_SUPPLY, Action.CANCEL, Action.CLEAR_ALERT},
}


def may(role: UserRole, action: Action) -> bool:
    """Say whether a role may do something."""
    return action in ALLOWED[role]


def who_may(action: Action) -> list[UserRole]:
    """Name the roles that may do something, for the one who may not."""
    return [role for role in UserRole if may(role, action)]
