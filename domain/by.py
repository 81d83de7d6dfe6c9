"""Who does something by hand and why: no change of stock by a person is without both."""

from dataclasses import dataclass

from domain.errors import BadInput


@dataclass(frozen=True, slots=True)
class By:
    """A person's name and reason; BadInput when one is empty. A `nonce` makes a form that was sent twice one wish."""

    actor: str
    reason: str
    nonce: str = ""

    def __post_init__(self) -> None:
        """Refuse an anonymous change."""
        if not self.actor.strip() or not self.reason.strip():
            raise BadInput("say who and why: --actor YOU --reason WORDS")
