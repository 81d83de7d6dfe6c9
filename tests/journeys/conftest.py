"""Journeys that run workflows use the plain Temporal server of the workflow tests."""

from tests.workflows.conftest import temporal

__all__ = ["temporal"]
