"""What the clients read from the environment. Owns OMS_GATEWAY_*, OMS_CONSOLE_*, OMS_PORTAL_*, OMS_PROFILE, OMS_LABELS,
OMS_OTLP_ENDPOINT.

No secret has a default.
"""

import os
from datetime import timedelta

from pydantic_settings import BaseSettings, SettingsConfigDict

from store.settings_docs import Profile


class ClientSettings(BaseSettings):
    """OMS_GATEWAY_HOST, OMS_GATEWAY_PORT, OMS_PROFILE, OMS_MAX_BODY_BYTES."""

    model_config = SettingsConfigDict(env_prefix="OMS_")

    gateway_host: str = "127.0.0.1"
    gateway_port: int = 8080
    profile: Profile = Profile.LIVE
    max_body_bytes: int = 1024 * 1024


class LabelSettings(BaseSettings):
    """OMS_LABELS: true where a process that reads labels belongs to the installation, so that its absence is told."""

    model_config = SettingsConfigDict(env_prefix="OMS_")

    labels: bool = False


class TracingSettings(BaseSettings):
    """OMS_OTLP_ENDPOINT: where traces go, such as http://collector:4318; empty means nowhere."""

    model_config = SettingsConfigDict(env_prefix="OMS_")

    otlp_endpoint: str = ""


class ConsoleSettings(BaseSettings):
    """OMS_CONSOLE_HOST, _PORT, _SESSION_HOURS; _TLS=1 behind a TLS proxy; _URL, _TEMPORAL_UI: public addresses."""

    model_config = SettingsConfigDict(env_prefix="OMS_CONSOLE_")

    host: str = "127.0.0.1"
    port: int = 8090
    tls: bool = False
    session_hours: int = 12
    url: str = ""
    temporal_ui: str = ""

    @property
    def session_lasts(self) -> timedelta:
        """How long somebody stays logged in."""
        return timedelta(hours=self.session_hours)


class PortalSettings(BaseSettings):
    """OMS_PORTAL_HOST, _PORT; _TLS=1 behind a TLS proxy; _URL: the public address, with which links begin."""

    model_config = SettingsConfigDict(env_prefix="OMS_PORTAL_")

    host: str = "127.0.0.1"
    port: int = 8091
    tls: bool = False
    url: str = ""

    def link(self, token: str) -> str:
        """Write the address that a buyer opens."""
        return f"{(self.url or f'http://{self.host}:{self.port}').rstrip('/')}/portal/l/{token}"


def adopt(environment: dict[str, str]) -> None:
    """Put a running installation's settings in force for this process; what is set already stays."""
    for name, value in environment.items():
        os.environ.setdefault(name, value)


def inherited() -> dict[str, str]:
    """Give this process's environment, for children."""
    return dict(os.environ)
