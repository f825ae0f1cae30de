"""The client's interface to a trunk, wherever the trunk is.

Shapes: B sequences, T positions, H hidden width.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

import torch

from splitlearn.coding import CodecStates
from splitlearn.stopwatch import Watch

__all__ = [
    "BackwardResult",
    "Commit",
    "Hello",
    "Opening",
    "Pending",
    "Position",
    "TrunkLink",
    "TrunkState",
    "Welcome",
]

T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, order=True)
class Position:
    """Which microbatch of which step; `microbatches` is how many the step has."""

    step: int
    microbatch: int
    microbatches: int

    def __str__(self) -> str:
        """Return it in words, for messages."""
        return f"microbatch {self.microbatch} of {self.microbatches} in step {self.step}"


@dataclass(frozen=True)
class Commit:
    """The end of a step.

    Attributes:
        step: the step that ends.
        learning_rate: for this step's update.
        clip_coefficient: float32 factor for every gradient; None if clipping is off.
        skip: whether to drop the gradients and change no weight.
    """

    step: int
    learning_rate: float
    clip_coefficient: float | None
    skip: bool

    @property
    def numbers(self) -> Mapping[str, float]:
        """The numbers used by the update; empty if the step is skipped."""
        if self.skip:
            return {}
        clipping = {} if self.clip_coefficient is None else {"clip_coefficient": self.clip_coefficient}
        return {"learning_rate": self.learning_rate, **clipping}


@dataclass(frozen=True)
class BackwardResult:
    """Gradient of the smashed data, and the trunk's per-parameter norms once the step is complete."""

    smashed_grad_BTH: torch.Tensor
    norms: Mapping[str, float]


@dataclass(frozen=True)
class Hello:
    """A client's greeting when it opens a session; see `OpenSessionRequest`.

    With `take_over`, another client's session is taken over even if that client is alive.
    """

    session_id: str
    agreement: Mapping[str, str]
    resume_steps: Sequence[int] = ()
    resume_session_id: str = ""
    reader: bool = False
    take_over: bool = False


@dataclass(frozen=True)
class Opening:
    """Who opens: the random name of a client process, and how often that process has opened, from 1."""

    client: str
    number: int


@dataclass(frozen=True)
class Welcome:
    """The trunk's answer: the fencing token, and the state to start from."""

    incarnation: int
    applied_step: int
    fingerprint: str


@dataclass(frozen=True)
class TrunkState:
    """Steps applied, and the digest of a checkpoint that was just written (otherwise empty)."""

    applied_step: int
    fingerprint: str


class Pending(Protocol[T_co]):
    """An answer in flight."""

    def result(self) -> T_co:
        """Wait for the answer; raises `WireError` if there is none."""


class TrunkLink(Protocol):
    """The trunk as the client sees it. Calls that return `Pending` are in flight at the same time.

    Attributes:
        codec_states: what the client's side of the wire remembers of the tensors that passed; part of its checkpoint.
        watch: told what is done within a call besides waiting; whoever measures steps sets it.
    """

    codec_states: CodecStates
    watch: Watch

    @property
    def stopping(self) -> bool:
        """Whether the trunk has announced, since the session was opened, that it is about to stop."""

    def open(self, hello: Hello) -> Welcome:
        """Open the session, or reopen one that the trunk has lost; raises `WireError` with the field that differs.

        The first time it is taken over from its holder, if that client is silent or the greeting says so; later only
        from this client itself.
        """

    def forward(
        self, at: Position, smashed_BTH: torch.Tensor, attention_mask_BT: torch.Tensor, commit: Commit | None
    ) -> Pending[torch.Tensor]:
        """Send smashed data, with the previous step's commit; the answer is the features, BTH."""

    def backward(self, at: Position, features_grad_BTH: torch.Tensor) -> Pending[BackwardResult]:
        """Send the gradient of the features."""

    def infer(self, smashed_BTH: torch.Tensor, attention_mask_BT: torch.Tensor) -> Pending[torch.Tensor]:
        """Send smashed data without keeping anything at the trunk; the answer is the features, BTH."""

    def gradients(self, step: int, names: Iterable[str] = ()) -> Mapping[str, torch.Tensor]:
        """Fetch the accumulated gradients of the step in progress; all of the trunk's if no names are given."""

    def commit(self, commit: Commit) -> TrunkState:
        """End a step now, without waiting for the next forward pass."""

    def query(self) -> TrunkState:
        """Ask for the state; raises `WireError` if the session now belongs to another client, or is lost."""

    def save(self, step: int, commit: Commit | None) -> TrunkState:
        """Write the trunk's half of the checkpoint of `step` applied steps, after applying `commit`."""

    def close(self) -> None:
        """End the session and let the trunk drop it."""

    def leave(self, *, saved: bool) -> None:
        """Close after an error, without insisting.

        Args:
            saved: whether this side has a checkpoint; otherwise the trunk removes what it has saved of the run.
        """
