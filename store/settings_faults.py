"""What is wrong with a settings document, place by place (CFG-1). Owns no words: who shows a fault says it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from store import settings_docs


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: the path to it, the validator's name for it and its limits; `words` is the validator's sentence."""

    place: tuple[int | str, ...]
    kind: str
    limits: Mapping[str, Any]
    words: str


def faults(kind: str, body: Any) -> list[Fault]:
    """Check a document against its schema; empty when it could come in force."""
    try:
        settings_docs.DOCUMENTS[settings_docs.known(kind)].model_validate(body)
    except ValidationError as error:
        return [Fault(one["loc"], one["type"], one.get("ctx", {}), one["msg"]) for one in error.errors()]
    return []


def schema(kind: str) -> dict[str, Any]:
    """Give the JSON schema of a kind of document: its fields, limits, defaults and help."""
    return settings_docs.DOCUMENTS[settings_docs.known(kind)].model_json_schema()
