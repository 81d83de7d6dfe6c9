"""The error tree. Owns the words a failure may have; what to do about one is decided where it is caught.

Three words leave a connector: Refused, Unavailable, Broken. Two words refuse a message on its way in: Forged
and Unparsable. Texts carry the vendor's code and our id, never a body: failure messages become history.
"""


class OmsError(Exception):
    """Root of all errors this system raises on purpose."""


class Refused(OmsError):
    """Business says no; asking again will not help."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(f"refused ({code}): {reason}")
        self.code = code
        self.reason = reason


class Unavailable(OmsError):
    """The other side cannot answer now; try again, after `retry_after_seconds` when it says so."""

    def __init__(self, reason: str, retry_after_seconds: float | None = None) -> None:
        super().__init__(f"unavailable: {reason}")
        self.reason = reason
        self.retry_after_seconds = retry_after_seconds


class RateLimited(Unavailable):
    """The vendor asks for patience (429, its limit code): not a failure, and no try is used up by it (INT-16)."""


class FullPace(RateLimited):
    """We hold the call back ourselves: the account is called as often as it may be. The vendor has seen nothing."""


class TokenRejected(Unavailable):
    """The vendor no longer takes our access token; the next call goes with a renewed one."""


class Broken(OmsError):
    """An answer that nobody understands: a bug or a changed protocol. The task parks and someone is told."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"broken: {reason}")
        self.reason = reason


class Forged(OmsError):
    """A message whose sender cannot be verified (signature, time or key)."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Unparsable(OmsError):
    """A genuine message that does not say what its format promises."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class BadInput(OmsError):
    """A person or a file gave a value that cannot be used; the text names it and says what to do."""


class NotYet(OmsError):
    """The facts this observation speaks of are not here yet (a trace before its parcel); try again later."""
