"""How steps are tried: time-outs and retry policies, built from the timing that the order was started with."""

from datetime import timedelta

from temporalio.common import RetryPolicy

from domain.timing import OrderTiming

FACT_SECONDS = timedelta(seconds=3)
FACT_ATTEMPTS = RetryPolicy(initial_interval=timedelta(milliseconds=200), backoff_coefficient=2.0, maximum_attempts=2)
FACT_FOR_EVER = RetryPolicy(
    initial_interval=timedelta(seconds=1), backoff_coefficient=2.0, maximum_interval=timedelta(seconds=60)
)
EFFECT_SECONDS = timedelta(seconds=15)
DRAIN_LONGEST = timedelta(hours=1)
DRAIN_RETRY = RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(seconds=30))


def effect_retry(timing: OrderTiming) -> RetryPolicy:
    """Try a call to a stranger again without limit, ever more slowly: an outage delays orders and loses none."""
    return RetryPolicy(
        initial_interval=timedelta(seconds=timing.retry_first_seconds),
        backoff_coefficient=2.0,
        maximum_interval=timedelta(seconds=timing.retry_longest_seconds),
    )
