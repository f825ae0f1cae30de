"""The table of ablations, for a terminal and for the documentation."""

from collections.abc import Sequence

from harness.sim.ablating import ENOUGH, Row

__all__ = ["page", "table"]

HEAD = ("switched off", "failed", "in 10,000", "first seed", "invariants broken", "faults left")
INTRODUCTION = """\
# Ablations

Every safeguard of the protocol is switched off in turn, and the same seeded schedules of faults run without it in the
simulated world, with the stub model, until {enough} of them fail or {most} were run; each row says how many were.
This page is written by `harness ablations --schedules {most} --markdown docs/ablations.md`.

*In 10,000* is extrapolated. *Invariants broken* are those that did not hold first, the most frequent at the beginning.
*Faults left* are those of the first failing schedule after shrinking. `nothing` is the correct system.
"""
NONE = "-"
UNSEEN = "## Safeguards without which nothing failed"


def table(rows: Sequence[Row]) -> str:
    """Return the table for a terminal."""
    lines = [HEAD, *map(_cells, rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def page(rows: Sequence[Row]) -> str:
    """Return the page of the documentation."""
    head = ("switched off", "which", *HEAD[1:])
    lines = [head, tuple("---" for _ in head)]
    for row in rows:
        name, *cells = _cells(row)
        guards = row.ablation.guards if row.ablation else "the correct system"
        lines.append((f"`{name}`", guards, *cells))
    body = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    silent = [f"* `{row.name}`: {_why_nothing_failed(row)}" for row in rows if row.ablation and not row.failures]
    parts = [INTRODUCTION.format(enough=ENOUGH, most=max(row.schedules for row in rows)), body]
    if silent:
        parts.append("\n".join([f"\n{UNSEEN}\n", *silent]))
    return "\n".join(parts) + "\n"


def _cells(row: Row) -> tuple[str, ...]:
    invariants = ", ".join(f"{name} {count}" for name, count in row.invariants.most_common())
    first = str(row.failures[0].seed) if row.failures else NONE
    left = NONE if row.faults is None else str(row.faults)
    return (
        row.name,
        f"{len(row.failures)} of {row.schedules}",
        f"{row.per_10_000:,.0f}",
        first,
        invariants or NONE,
        left,
    )


def _why_nothing_failed(row: Row) -> str:
    assert row.ablation is not None
    rare = f"Not shown by these {row.schedules} schedules, which draw what it guards against too rarely."
    return row.ablation.unseen or rare
