"""Settings of how a process computes."""

from typing import Literal

from pydantic import Field

from splitlearn.config.group import SettingsGroup
from splitlearn.config.scope import Both, Each, Machine, Machines

__all__ = ["ComputeSettings"]


class ComputeSettings(SettingsGroup):
    """Compute settings."""

    mode: Each[Literal["training", "inference"]] = Field(
        "training", description="inference keeps no graphs and never updates"
    )
    device: Machine[str] = Field("cpu", pattern=r"^(cpu|cuda(:\d+)?)$", description="cpu, cuda or cuda:N")
    threads: Machines[int] = Field(1, ge=1, description="threads of every process; the bits depend on it")
    dtype: Both[Literal["float32", "bfloat16"]] = Field(
        "float32", description="bfloat16 means autocast; weights stay float32"
    )
