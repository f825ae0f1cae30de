"""What happens to a run on purpose: a value with a script of effects, begun while a process is held at a point."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from pydantic import ConfigDict

from harness.plan.faults.effects import Script
from harness.trace.event import Event
from harness.trace.place import At

__all__ = ["Planned"]


@dataclass(frozen=True)
class Planned(ABC):
    """Something that happens once: a fault, or an adversary's attack.

    Attributes:
        at: where; the process is held there until the script says `Release`, or ends.
        asks_to_stop: whether the script asks a program to stop (`StopParty`), which makes the client save at whatever
            step it is.
    """

    asks_to_stop: ClassVar[bool] = False
    # In JSON, an unknown parameter is an error.
    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    at: At

    @property
    @abstractmethod
    def kind(self) -> str:
        """What happens, as a word or two that fit a file name, with its parameters."""

    @property
    @abstractmethod
    def detail(self) -> str:
        """What it does, in words."""

    @abstractmethod
    def script(self) -> Script:
        """Yield what breaks, `Release`, and what mends it again.

        If an effect cannot be carried out, `HarnessError` is raised at its `yield`.
        """

    @abstractmethod
    def shows(self, events: Sequence[Event]) -> bool:
        """Return whether the events after its place show that it took effect."""

    @property
    def name(self) -> str:
        """Short name for reports, unique within a scenario: what happens, and where."""
        step = "" if self.at.step is None else f".{self.at.step}"
        microbatch = "" if self.at.microbatch is None else f".{self.at.microbatch}"
        occurrence = "" if self.at.occurrence == 1 else f"#{self.at.occurrence}"
        return f"{self.kind}@{self.at.point}{step}{microbatch}{occurrence}"
