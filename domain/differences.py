"""How two settings documents differ, for people. Owns the words of one difference."""

import json
from collections.abc import Iterator, Mapping
from typing import Any


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """List what is added (+), gone (-) and changed (~), each with the path to it."""
    old, new = dict(_leaves(before)), dict(_leaves(after))
    lines = []
    for path in [*old, *(path for path in new if path not in old)]:
        if path not in new:
            lines.append(f"- {path}: {old[path]}")
        elif path not in old:
            lines.append(f"+ {path}: {new[path]}")
        elif old[path] != new[path]:
            lines.append(f"~ {path}: {old[path]} -> {new[path]}")
    return lines


def _leaves(document: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    for name, value in document.items():
        path = f"{above}.{name}" if above else name
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, path)
        else:
            yield path, json.dumps(value, ensure_ascii=False)


def merged(base: Mapping[str, Any], mine: Mapping[str, Any], theirs: Mapping[str, Any]) -> dict[str, Any]:
    """Put what I changed since `base` on top of what they made of it; where both changed one value, mine stands."""
    found: dict[str, Any] = {}
    for name in [*theirs, *(name for name in mine if name not in theirs)]:
        parts = [one[name] for one in (base, mine, theirs) if name in one]
        if len(parts) == len((base, mine, theirs)) and all(isinstance(one, Mapping) for one in parts):
            found[name] = merged(*parts)
            continue
        winner = theirs if _same(base, mine, name) else mine
        if name in winner:
            found[name] = winner[name]
    return found


def _same(one: Mapping[str, Any], other: Mapping[str, Any], name: str) -> bool:
    return (name in one and name in other and one[name] == other[name]) or (name not in one and name not in other)
