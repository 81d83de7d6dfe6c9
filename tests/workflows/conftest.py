"""A Temporal server per run: the plain dev server for journeys, and one that skips time for deadlines."""

from collections.abc import AsyncIterator

import pytest
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from clients.embedded import EmbeddedTemporal, Ports, temporal_binary
from clients.temporal import CHANNEL, NAMESPACE, SHOP
from workflows.orders import STUCK

FLAGS = ("frontend.WorkflowTimeSkippingEnabled=true", 'history.timerProcessorMaxTimeShift="1ms"')


@pytest.fixture(scope="session")
async def temporal(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Client]:
    """The plain server, as shipped."""
    folder = tmp_path_factory.mktemp("temporal")
    server = EmbeddedTemporal(folder, Ports(folder))
    server.start()
    yield await Client.connect(server.address, namespace=NAMESPACE)
    server.stop()


@pytest.fixture(scope="session")
async def skipping() -> AsyncIterator[WorkflowEnvironment]:
    """The same server with a clock per workflow that tests move by fast_forward; skipping starts off."""
    arguments = [word for flag in FLAGS for word in ("--dynamic-config-value", flag)]
    async with await WorkflowEnvironment.start_time_skipping_v2(
        dev_server_existing_path=temporal_binary(),
        dev_server_log_level="error",
        dev_server_extra_args=arguments,
        search_attributes=[CHANNEL, SHOP, STUCK],
        namespace=NAMESPACE,
    ) as environment:
        yield environment
