"""The result of comparing two recordings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.oracle.digests import Place
from harness.oracle.exactness import Exactness
from harness.oracle.rows import Row

__all__ = ["Comparison", "FirstDivergence", "JudgedRow"]


@dataclass(frozen=True)
class FirstDivergence:
    """The first tensor, in the order of computation, that does not agree.

    Attributes:
        place: identifies the tensor; step -1 means the final state.
        party: the party that recorded it.
        digests: the recording's and the reference's.
        index: of the first element that does not agree; None if the tensors were not kept whole on both sides.
        values: the recording's and the reference's value there.
        reason: why no elements were compared; empty if they were.
    """

    place: Place
    party: str
    digests: tuple[str, str]
    index: tuple[int, ...] | None = None
    values: tuple[float, float] | None = None
    reason: str = ""


@dataclass(frozen=True)
class JudgedRow(Row):
    """One kind of tensor of one party.

    Attributes:
        tolerated: number of differing tensors that are within the tolerance.
        undecided: number of differing tensors to which no tolerance can be applied, because only digests were kept.
    """

    tolerated: int
    undecided: int


@dataclass(frozen=True)
class Comparison:
    """The result of comparing two recordings.

    Attributes:
        exactness: the exactness asked for.
        rows: one for each kind of tensor and party.
        whole: number of tensors kept whole on both sides.
        only_in_recording: tensors that the reference lacks, in words.
        only_in_reference: tensors that the recording lacks, in words.
        first_divergence: None if everything agrees.
        ulp_histogram: elements of the whole tensors by their distance, in powers of two.
        empty: paths of the recordings that hold nothing.
        incomplete: paths of the recordings whose loop did not finish.
        remarks: what was left out of the comparison, and why.
    """

    exactness: Exactness
    rows: Sequence[JudgedRow]
    whole: int
    only_in_recording: Sequence[str]
    only_in_reference: Sequence[str]
    first_divergence: FirstDivergence | None
    ulp_histogram: Mapping[int, int]
    empty: Sequence[str]
    incomplete: Sequence[str]
    remarks: Sequence[str]

    @property
    def compared(self) -> int:
        """Number of tensors of which it is known whether they agree."""
        return sum(row.compared for row in self.rows) - self.undecided

    @property
    def identical(self) -> int:
        """Number of tensors with the same bits."""
        return sum(row.compared - row.differing for row in self.rows)

    @property
    def tolerated(self) -> int:
        """Number of tensors with different bits that are within the tolerance."""
        return sum(row.tolerated for row in self.rows)

    @property
    def undecided(self) -> int:
        """Number of tensors with different bits to which the tolerance cannot be applied: only digests were kept."""
        return sum(row.undecided for row in self.rows)

    @property
    def disagreeing(self) -> int:
        """Number of tensors that do not agree."""
        return self.compared - self.identical - self.tolerated
