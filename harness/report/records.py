"""What a run left behind, as values: one frozen dataclass a kind of record.

Fields with defaults may be absent from the files. Keys that are not named here are ignored, so a newer run can still be
read.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import BeforeValidator

__all__ = [
    "Breakdown",
    "Check",
    "CheckWord",
    "Divergence",
    "Environment",
    "Equivalence",
    "EquivalenceRow",
    "Event",
    "Figures",
    "Finding",
    "Proxy",
    "RungRun",
    "Step",
    "Traffic",
    "Value",
    "Verdict",
    "VerdictWord",
    "Where",
]

VerdictWord = Literal["PASS", "FAIL", "VOID"]
CheckWord = VerdictWord | Literal["N/A"]
Value = int | float | str
Figures = Mapping[str, Value]


def _as_list(index: object) -> object:
    return [index] if isinstance(index, int | str) else index


Index = Annotated[tuple[int | str, ...] | None, BeforeValidator(_as_list)]


@dataclass(frozen=True)
class Where:
    """The place of a finding; what does not apply is None."""

    step: int | None = None
    microbatch: int | None = None
    stage: str | None = None
    tensor: str | None = None
    index: Index = None
    split: Value | None = None
    reference: Value | None = None


@dataclass(frozen=True)
class Divergence(Where):
    """The first number that differs, and the first rung of the ladder on which it does."""

    rung: str | None = None


@dataclass(frozen=True)
class RungRun:
    """One rung of the ladder that was run after a divergence, and how that run ended."""

    rung: str
    verdict: VerdictWord
    folder: str = ""


@dataclass(frozen=True)
class Finding:
    """One thing a check found wrong."""

    message: str
    where: Where | None = None


@dataclass(frozen=True)
class Check:
    """What one check says of the run."""

    name: str
    verdict: CheckWord
    summary: str = ""
    compared: int | None = None
    figures: Figures = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    traceback: str = ""


@dataclass(frozen=True)
class Verdict:
    """What all checks together say of the run."""

    verdict: VerdictWord
    checks: tuple[Check, ...] = ()
    figures: Figures = field(default_factory=dict)
    not_covered: tuple[str, ...] = ()
    replay: str = ""
    started: str = ""
    seconds: float | None = None


@dataclass(frozen=True)
class Proxy:
    """The program that stood between the parties."""

    kind: str
    version: str | None = None


@dataclass(frozen=True)
class Environment:
    """What the run ran on."""

    versions: Mapping[str, str | None] = field(default_factory=dict)
    machine: Mapping[str, Value | None] = field(default_factory=dict)
    threads: int | None = None
    proxy: Proxy | None = None
    seed: int | None = None
    commit: str = ""


@dataclass(frozen=True)
class Breakdown:
    """Where the seconds of a step went, in the order in which they pass."""

    bottom: float = 0.0
    forward_wait: float = 0.0
    top: float = 0.0
    backward_wait: float = 0.0
    update: float = 0.0


@dataclass(frozen=True)
class Step:
    """One optimizer step of the split run or of the reference."""

    step: int
    loss: float | None = None
    learning_rate: float | None = None
    grad_norm: float | None = None
    tokens: int | None = None
    skipped: bool = False
    seconds: float | None = None
    breakdown: Breakdown | None = None


@dataclass(frozen=True)
class Event:
    """Something that happened, `t` seconds after the start."""

    t: float
    source: str
    point: str
    step: int | None = None
    microbatch: int | None = None
    fault: str | None = None
    party: str | None = None
    life: int | None = None
    method: str | None = None
    reason: str | None = None


@dataclass(frozen=True)
class EquivalenceRow:
    """How one quantity of one stage compares with the reference, over all steps."""

    quantity: str
    stage: str
    compared: int
    differing: int
    max_ulp: int | None = None
    relative_l2: float | None = None
    cosine: float | None = None


@dataclass(frozen=True)
class Equivalence:
    """The comparison of the split run with the reference."""

    rows: tuple[EquivalenceRow, ...] = ()
    ulp_histogram: Mapping[str, int] = field(default_factory=dict)
    first_divergence: Divergence | None = None
    ladder: tuple[RungRun, ...] = ()


@dataclass(frozen=True)
class Traffic:
    """Bytes that crossed the network, against the least that the tensors need."""

    upstream: int
    downstream: int
    steps: int
    per_step: float
    floor_per_step: float
    ratio: float
