"""From our three words to Temporal's: which failures are tried again, which park the step. Owns that translation."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from temporalio.exceptions import ApplicationError

from domain.errors import BadInput, Broken, Refused, Unavailable


@contextmanager
def told_to_temporal() -> Iterator[None]:
    """Raise domain errors as ApplicationErrors: Unavailable is retried, Refused and Broken are not."""
    try:
        yield
    except Unavailable as error:
        delay = timedelta(seconds=error.retry_after_seconds) if error.retry_after_seconds else None
        raise ApplicationError(str(error), type="Unavailable", next_retry_delay=delay) from None
    except (Refused, Broken, BadInput) as error:
        raise ApplicationError(str(error), type=type(error).__name__, non_retryable=True) from None
