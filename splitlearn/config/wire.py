"""Settings of the calls between client and trunk."""

from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from splitlearn.config.group import SettingsGroup
from splitlearn.config.scope import Client, Each, Kept
from splitlearn.registry import CODECS

__all__ = ["HIGHEST_PORT", "WireSettings"]

HIGHEST_PORT = 65535


class WireSettings(SettingsGroup):
    """Wire settings."""

    codec: Kept[Annotated[str, AfterValidator(CODECS.known)]] = Field(
        "raw", description=f"coding of activations and gradients: one of {', '.join(CODECS)}; see docs/codecs.md"
    )
    trunk_address: Client[str] = Field(
        "127.0.0.1:50051", pattern=r"^(local|.+:\d{1,5})$", description="HOST:PORT; local means in this process"
    )
    rpc_timeout: Each[float] = Field(
        60.0, gt=0, le=3600, description="seconds one call may take, or longer if its bytes need longer"
    )
    retry_timeout: Client[float] = Field(
        300.0, gt=0, description="seconds of failed calls after which the client gives up"
    )

    @model_validator(mode="after")
    def _check_port(self) -> Self:
        port = self.trunk_address.rpartition(":")[2]
        if port.isdecimal() and not 0 < int(port) <= HIGHEST_PORT:
            raise ValueError(f"trunk_address = {self.trunk_address!r}: allowed are ports from 1 to {HIGHEST_PORT}")
        return self
