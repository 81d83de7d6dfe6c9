"""From our words to Temporal's: which failures are tried again, which park the step. Owns that translation."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from temporalio.exceptions import ApplicationError

from domain.errors import BadInput, Broken, OmsError, Refused, Unavailable


@contextmanager
def effect_failures() -> Iterator[None]:
    """Translate for calls to strangers: Unavailable is tried again, Refused and Broken park the step."""
    try:
        yield
    except Unavailable as error:
        delay = timedelta(seconds=error.retry_after_seconds) if error.retry_after_seconds else None
        raise ApplicationError(str(error), type="Unavailable", next_retry_delay=delay) from None
    except (Refused, Broken, BadInput) as error:
        raise ApplicationError(str(error), type=type(error).__name__, non_retryable=True) from None


@contextmanager
def fact_failures() -> Iterator[None]:
    """Translate for steps on our own database: everything is tried again, for the mend is a deploy or a restart."""
    try:
        yield
    except OmsError as error:
        raise ApplicationError(str(error), type=type(error).__name__) from None
