"""Vendors' code lists, written as one readable string. Owns no list."""


def codes(words: str) -> frozenset[str]:
    """Split a list of codes at its blanks."""
    return frozenset(words.split())
