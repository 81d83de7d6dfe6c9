"""What the clients read from the environment. Owns OMS_GATEWAY_*, OMS_PROFILE and OMS_OTLP_ENDPOINT."""

import os

from pydantic_settings import BaseSettings, SettingsConfigDict

from store.settings_docs import Profile


class ClientSettings(BaseSettings):
    """OMS_GATEWAY_HOST, OMS_GATEWAY_PORT, OMS_PROFILE, OMS_MAX_BODY_BYTES."""

    model_config = SettingsConfigDict(env_prefix="OMS_")

    gateway_host: str = "127.0.0.1"
    gateway_port: int = 8080
    profile: Profile = Profile.LIVE
    max_body_bytes: int = 1024 * 1024


class TracingSettings(BaseSettings):
    """OMS_OTLP_ENDPOINT: where traces go, such as http://collector:4318; empty means nowhere."""

    model_config = SettingsConfigDict(env_prefix="OMS_")

    otlp_endpoint: str = ""


def adopt(environment: dict[str, str]) -> None:
    """Put a running installation's settings in force for this process; what is set already stays."""
    for name, value in environment.items():
        os.environ.setdefault(name, value)


def inherited() -> dict[str, str]:
    """Give this process's environment, for children."""
    return dict(os.environ)
