"""Settings of TLS and of the token."""

from pathlib import Path
from typing import Self

from pydantic import Field, model_validator

from splitlearn.config.group import SettingsGroup
from splitlearn.config.scope import Each

__all__ = ["SecuritySettings"]


class SecuritySettings(SettingsGroup):
    """TLS and token settings."""

    tls_ca: Each[Path | None] = Field(None, description="PEM file; the other side's certificate must be signed by it")
    tls_certificate: Each[Path | None] = Field(None, description="PEM file of this side's own certificate")
    tls_key: Each[Path | None] = Field(None, description="PEM file of that certificate's private key")
    token_file: Each[Path | None] = Field(None, description="file with the secret that client and trunk share")

    @model_validator(mode="after")
    def _check_pair(self) -> Self:
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise ValueError("tls_certificate and tls_key belong together: give both or neither")
        return self
