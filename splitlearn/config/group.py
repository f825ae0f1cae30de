"""Base of every group of settings: a frozen value whose fields each have a scope."""

from typing import Any

from pydantic import BaseModel, ConfigDict

from splitlearn.config.scope import scope_of

__all__ = ["SettingsGroup"]


class SettingsGroup(BaseModel):
    """Some settings of a run; the docstring of a group is its title in `--help`."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, arbitrary_types_allowed=True)

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:  # noqa: ANN401 - as pydantic has it
        """Refuse to define a group with a field that has no scope, so that a forgotten scope fails at import."""
        for name, field in cls.model_fields.items():
            try:
                scope_of(field)
            except AssertionError as error:
                raise AssertionError(f"{cls.__name__}.{name}: {error}") from None
