"""What a worker process reads from the environment."""

from pydantic_settings import BaseSettings, SettingsConfigDict

from store.settings_docs import Profile


class OcrSettings(BaseSettings):
    """OMS_OCR_HEALTH_ADDRESS: where the process that reads labels says that it is ready; any free port by default."""

    model_config = SettingsConfigDict(env_prefix="OMS_OCR_")

    health_address: str = "127.0.0.1:0"


class WorkerSettings(BaseSettings):
    """OMS_PROFILE, OMS_WORKFLOW_CACHE, OMS_APPLY_TASKS, OMS_DELIVER_TASKS, OMS_METRICS_ADDRESS, OMS_HEALTH_ADDRESS.

    `metrics_address` is for the SDK's own metrics, nowhere by default; `health_address` for ours and /readyz: a free
    port of this machine alone by default, which the log names.
    """

    model_config = SettingsConfigDict(env_prefix="OMS_")

    profile: Profile = Profile.LIVE
    workflow_cache: int = 5000
    apply_tasks: int = 3
    deliver_tasks: int = 3
    metrics_address: str = ""
    health_address: str = "127.0.0.1:0"
