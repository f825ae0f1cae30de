"""Limits on the memory that a peer may cause to be used."""

from pydantic import Field

from splitlearn.config.group import SettingsGroup
from splitlearn.config.scope import Each

__all__ = ["LimitSettings"]

MIB = 1 << 20


class LimitSettings(SettingsGroup):
    """Limit settings."""

    max_message_bytes: Each[int] = Field(256 * MIB, ge=MIB, le=1024 * MIB, description="largest tensor message")
    max_pending_bytes: Each[int] = Field(
        2048 * MIB,
        ge=MIB,
        description="trunk memory for graphs, inputs, kept replies, codec states and gradients that wait",
    )
    max_activation_bytes: Each[int] = Field(
        2048 * MIB, ge=MIB, description="trunk memory for computing one microbatch; a larger one is refused"
    )
