"""`harness judge`: compares any two recordings."""

import argparse
import math
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.errors import UnusableError
from harness.output import add_json_flag, must_be_writable, people_read, write_json

if TYPE_CHECKING:
    from harness.oracle.comparison import Comparison, FirstDivergence
    from harness.oracle.exactness import Exactness

__all__ = ["add_parser"]

# How many tensors of only one side are named on a terminal.
NAMED = 10
INDENT = " " * 6

EPILOG = """\
RECORDING and REFERENCE are folders that harness.recorder.Recorder has written, or folders of runs (docs/recording.md).

examples:
  harness judge recordings/two-ranks recordings/one-process
  harness judge recordings/pipeline recordings/uncut --rtol 1e-5 --atol 1e-7 --report judged.html

exit status: 0 PASS, 1 FAIL, 2 a recording that cannot be read, 3 VOID: nothing was shown
"""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "judge",
        help="compare any two recordings of training runs",
        description="Compare a recording of any training with a reference: bit for bit, or within a stated tolerance.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("recording", type=Path, metavar="RECORDING", help="what is judged")
    parser.add_argument("reference", type=Path, metavar="REFERENCE", help="what it should be")
    parser.add_argument(
        "--rtol",
        type=_tolerance,
        metavar="R",
        help="accept |a - b| <= atol + R * |b|, b the reference's (default: bitwise)",
    )
    parser.add_argument(
        "--atol",
        type=_tolerance,
        metavar="A",
        help="accept |a - b| <= A + rtol * |b|, b the reference's (default: bitwise)",
    )
    parser.add_argument(
        "--only",
        nargs="+",
        metavar="KIND",
        help="compare these kinds of tensors alone, such as loss, gradient, 'updated weight'; the verdict says so",
    )
    parser.add_argument("--report", type=Path, metavar="FILE", help="write an HTML report there")
    add_json_flag(parser, "verdict, counts and the first divergence")
    parser.set_defaults(run=run)


def run(flags: argparse.Namespace) -> int:
    """Compare, print, and write what was asked for; return the verdict's exit status."""
    must_be_writable(flags.json, flags.report)
    from harness.judging.recordings import sentence_of, verdict_of  # noqa: PLC0415 - needs torch; --help does not
    from harness.oracle.comparing import PHASES, compare_recordings  # noqa: PLC0415 - as above
    from harness.oracle.recordings import read_recording  # noqa: PLC0415 - as above
    from harness.recording.writer import json_text  # noqa: PLC0415 - as above

    unknown = sorted(set(flags.only or ()) - PHASES.keys())
    if unknown:
        raise UnusableError(f"--only {unknown[0]!r}: there is no such kind; there are {', '.join(PHASES)}")
    comparison = compare_recordings(
        read_recording(flags.recording), read_recording(flags.reference), _exactness(flags), flags.only or tuple(PHASES)
    )
    verdict = verdict_of(comparison)
    out = people_read(flags.json)
    print(f"{verdict.value:5} {sentence_of(comparison)}", file=out)
    out.writelines(f"{INDENT}{line}\n" for line in _details(comparison))
    paths = {"recording": str(flags.recording), "reference": str(flags.reference)}
    write_json(
        flags.json,
        json_text({"verdict": verdict.value, "sentence": sentence_of(comparison), **paths, **_json(comparison)}),
    )
    if flags.report:
        from harness.report.judged import write_judged  # noqa: PLC0415 - drawing is slow to import

        print(f"report: {write_judged(comparison, flags.recording, flags.reference, flags.report)}", file=out)
    return verdict.exit_status


def _tolerance(text: str) -> float:
    value = float(text)
    if not (math.isfinite(value) and value >= 0):
        raise argparse.ArgumentTypeError(f"{text!r} is no finite number of 0 or more")
    return value


def _exactness(flags: argparse.Namespace) -> "Exactness":
    from harness.oracle.exactness import BITWISE, Close  # noqa: PLC0415 - see run

    if flags.rtol is None and flags.atol is None:
        return BITWISE
    return Close(flags.rtol or 0.0, flags.atol or 0.0)


def _details(comparison: "Comparison") -> Iterator[str]:
    """Return the details that the sentence has no room for."""
    first = comparison.first_divergence
    if first:
        yield from _divergence(first)
    for side, names in (
        ("the recording", comparison.only_in_recording),
        ("the reference", comparison.only_in_reference),
    ):
        more = f", and {len(names) - NAMED:,} more" if len(names) > NAMED else ""
        if names:
            yield f"only in {side}: {'; '.join(names[:NAMED])}{more}"
    if comparison.whole and comparison.identical < comparison.compared:
        yield _distances(comparison)
    yield from comparison.remarks


def _divergence(first: "FirstDivergence") -> Iterator[str]:
    from harness.judging.recordings import place_of  # noqa: PLC0415 - see run

    yield f"first divergence: {place_of(first)}"
    if first.values:
        yield f"recording {first.values[0]!r}, reference {first.values[1]!r}"
    else:
        yield f"recording sha256 {first.digests[0]}, reference sha256 {first.digests[1]} ({first.reason})"


def _distances(comparison: "Comparison") -> str:
    """Say how far apart the elements of whole tensors are; the histogram is in the JSON and the report."""
    same, furthest = (
        comparison.ulp_histogram.get(0, 0),
        [row.max_ulp for row in comparison.rows if row.max_ulp is not None],
    )
    apart = sum(comparison.ulp_histogram.values()) - same
    distance = "some are not finite" if min(furthest) < 0 else f"{max(furthest):,} ULP at most"
    return f"elements of whole tensors: {same:,} at 0 ULP, {apart:,} apart, {distance}"


def _json(comparison: "Comparison") -> dict[str, Any]:
    first = comparison.first_divergence
    return {
        "exactness": str(comparison.exactness),
        "compared": comparison.compared,
        "identical": comparison.identical,
        "within_tolerance": comparison.tolerated,
        "disagreeing": comparison.disagreeing,
        "not_comparable": comparison.undecided,
        "whole": comparison.whole,
        "only_in_recording": comparison.only_in_recording,
        "only_in_reference": comparison.only_in_reference,
        "first_divergence": _divergence_json(first) if first else None,
        "ulp_histogram": {str(lower): count for lower, count in comparison.ulp_histogram.items()},
        "rows": [asdict(row) for row in comparison.rows],
        "remarks": comparison.remarks,
    }


def _divergence_json(first: "FirstDivergence") -> dict[str, Any]:
    recording, reference = first.values or (None, None)
    return {
        "step": first.place.step,
        "microbatch": first.place.microbatch,
        "party": first.party,
        "tensor": first.place.tensor,
        "index": first.index,
        "recording": recording,
        "reference": reference,
        "sha256": {"recording": first.digests[0], "reference": first.digests[1]},
        "reason": first.reason,
    }
