"""What the comparison of two recordings found."""

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
        place: which tensor; of step -1, where it is one of the end.
        party: who recorded it.
        digests: the recording's and the reference's.
        index: of the first element that does not agree; None where the tensors were not both kept whole.
        values: the recording's and the reference's there.
        reason: why no elements were compared; empty where they were.
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
        tolerated: of those that differ, the ones within the tolerance.
        undecided: of those that differ, the ones of which a tolerance can say nothing, for only digests were kept.
    """

    tolerated: int
    undecided: int


@dataclass(frozen=True)
class Comparison:
    """What the comparison of two recordings found.

    Attributes:
        exactness: that was asked for.
        rows: one for each kind of tensor and party.
        whole: tensors that both kept whole.
        only_in_recording: tensors that the reference lacks, in words.
        only_in_reference: tensors that the recording lacks, in words.
        first_divergence: None where all agrees.
        ulp_histogram: elements of the whole tensors by their distance, in powers of two.
        empty: paths of the recordings that hold nothing.
        incomplete: paths of the recordings whose loop did not come to its end.
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
        """Tensors of which it is known whether they agree."""
        return sum(row.compared for row in self.rows) - self.undecided

    @property
    def identical(self) -> int:
        """Tensors with the same bits."""
        return sum(row.compared - row.differing for row in self.rows)

    @property
    def tolerated(self) -> int:
        """Tensors with other bits, within the tolerance."""
        return sum(row.tolerated for row in self.rows)

    @property
    def undecided(self) -> int:
        """Tensors with other bits of which only digests were kept, where there is a tolerance."""
        return sum(row.undecided for row in self.rows)

    @property
    def disagreeing(self) -> int:
        """Tensors that do not agree."""
        return self.compared - self.identical - self.tolerated
