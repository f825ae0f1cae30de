"""The comparison of tensors as a matrix: quantities down, stages across."""

from dataclasses import dataclass

from harness.recording.reader import RunFolder
from harness.recording.schema import RowRecord

__all__ = ["Matrix", "matrix"]

QUANTITIES = {
    "loss": "Losses",
    "boundary": "Tensors at the cuts",
    "gradient": "Gradients",
    "norm": "Norms of gradients",
    "number": "Norm, rate and clipping",
    "updated weight": "Weights after each step",
    "weight": "Weights in the end",
    "optimizer state": "Optimizer state",
}
STAGES = ("bottom", "trunk", "top")


@dataclass(frozen=True)
class Matrix:
    """Rows of cells; a cell without rows was not compared."""

    stages: tuple[str, ...]
    lines: tuple[tuple[str, tuple[tuple[RowRecord, ...], ...]], ...]


def matrix(run: RunFolder) -> Matrix:
    """Arrange the rows of the comparison; unknown quantities and stages come after the known ones."""
    rows = run.equivalence.rows if run.equivalence else ()
    stages = tuple(dict.fromkeys((*STAGES, *(row.stage for row in rows))))
    present = {row.quantity for row in rows}
    quantities = [name for name in dict.fromkeys((*QUANTITIES, *(row.quantity for row in rows))) if name in present]
    return Matrix(
        stages=stages,
        lines=tuple(
            (
                QUANTITIES.get(quantity, quantity.capitalize()),
                tuple(tuple(row for row in rows if (row.quantity, row.stage) == (quantity, stage)) for stage in stages),
            )
            for quantity in quantities
        ),
    )
