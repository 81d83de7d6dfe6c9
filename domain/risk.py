"""Risk rules: which orders a person should look at before they ship (FUL-9). Owns the rules; numbers are settings."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RiskRules:
    """The risk document in force. A buyer with `trusted_orders` completed orders is exempt (免审单)."""

    version: int
    ip_orders: int
    ip_window_minutes: int
    address_least_characters: int
    address_vague_words: tuple[str, ...]
    trusted_orders: int


@dataclass(frozen=True, slots=True)
class RiskFacts:
    """What is known when an order is planned. `address` is None where the channel hides it: then nobody can say."""

    orders_from_ip: int
    address: str | None
    completed_orders: int


def reasons(facts: RiskFacts, rules: RiskRules) -> list[str]:
    """Say why an order should be reviewed; empty when it may ship. What is hidden is unknown, never suspicious."""
    if facts.completed_orders >= rules.trusted_orders:
        return []
    found = []
    if facts.orders_from_ip >= rules.ip_orders:
        found.append(f"{facts.orders_from_ip} orders from one IP in {rules.ip_window_minutes} min")
    if facts.address is not None and _vague(facts.address, rules):
        found.append("vague address")
    return found


def _vague(address: str, rules: RiskRules) -> bool:
    bare = "".join(address.split())
    return len(bare) < rules.address_least_characters or any(word in bare for word in rules.address_vague_words)
