"""What Qimen signs beside the body: connectors/top_sign.py says how. Source: SpiUtils.java of the official SDK."""

from collections.abc import Mapping


def signed_params(query: Mapping[str, str], headers: Mapping[str, str]) -> dict[str, str]:
    """Everything a sender signs beside the body: the query, and the headers that `top-sign-list` names."""
    listed = (name.strip() for name in headers.get("top-sign-list", "").split(","))
    named = {name: headers.get(name.lower(), "") for name in listed if name}
    return {**named, **query}
