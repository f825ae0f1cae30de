"""Settings of how a process computes."""

from typing import Literal

from pydantic import Field

from splitlearn.config.group import SettingsGroup
from splitlearn.config.scope import Both, Client, Each, Machine, Machines

__all__ = ["MOST_IN_FLIGHT", "ComputeSettings"]

# Microbatches: the trunk allows a connection twice as many calls.
MOST_IN_FLIGHT = 128


class ComputeSettings(SettingsGroup):
    """Compute settings."""

    mode: Each[Literal["training", "inference"]] = Field(
        "training", description="inference keeps no graphs and never updates"
    )
    device: Machine[str] = Field("cpu", pattern=r"^(cpu|cuda(:\d+)?)$", description="cpu, cuda or cuda:N")
    schedule: Client[Literal["afab", "1f1b"]] = Field(
        "afab",
        description="order of a step's microbatches: all forward passes, then all backward passes; or a few at a time",
    )
    window: Client[int] = Field(
        4, ge=1, le=MOST_IN_FLIGHT, description="with the schedule 1f1b: microbatches begun and not finished at a time"
    )
    threads: Machines[int] = Field(1, ge=1, description="threads of every process; the bits depend on it")
    dtype: Both[Literal["float32", "bfloat16"]] = Field(
        "float32", description="bfloat16 means autocast; weights stay float32"
    )
