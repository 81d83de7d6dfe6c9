"""What the store reads from the environment: where the database is and where the keys are."""

from pathlib import Path

from pydantic import ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from domain.errors import BadInput

SECRETS = Path("/run/secrets")
"""Where containers find secrets: a file `oms_database_url` stands for the variable of that name, which goes first."""


class StoreSettings(BaseSettings):
    """OMS_DATABASE_URL, OMS_KEYRING, OMS_DATABASE_POOL."""

    model_config = SettingsConfigDict(env_prefix="OMS_", secrets_dir=SECRETS if SECRETS.is_dir() else None)

    database_url: str
    keyring: Path
    database_pool: int = 12


def store_settings() -> StoreSettings:
    """Read them; raise BadInput that names what is missing."""
    try:
        return StoreSettings()
    except ValidationError as error:
        names = ", ".join(f"OMS_{str(item['loc'][0]).upper()}" for item in error.errors())
        raise BadInput(f"set {names} in the environment (or run `oms up`, which brings its own servers)") from None
