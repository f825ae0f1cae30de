"""Settings of the log and the checkpoints."""

from pathlib import Path

from pydantic import Field

from splitlearn.config.group import SettingsGroup
from splitlearn.config.scope import Client, Each

__all__ = ["SavingSettings"]


class SavingSettings(SettingsGroup):
    """Log and checkpoint settings."""

    log_interval: Client[int] = Field(10, ge=1, description="steps between two lines of the log")
    save_interval: Client[int] = Field(0, ge=0, description="steps between checkpoints; 0 counts no steps")
    save_minutes: Client[float] = Field(
        10.0, ge=0, description="minutes after which one is written in any case; 0 means never"
    )
    save_dir: Each[Path] = Field(Path("checkpoints"), description="folder of this party's checkpoints and metrics")
    session: Client[str] = Field(
        "default", pattern=r"^[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}$", description="name of the run on the trunk"
    )
