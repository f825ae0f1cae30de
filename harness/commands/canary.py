"""`harness canary`: whether a seed decides everything that happens in the simulated world."""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from itertools import zip_longest

from harness.errors import HarnessError, UnusableError
from harness.launcher import launched
from harness.output import add_json_flag, must_be_writable, people_read, write_json
from harness.trace.verdict import Verdict

__all__ = ["add_parser"]

DESCRIPTION = """\
Run the simulated worlds of some seeds several times, in processes whose hash seed and order of worlds differ, and
compare everything that happened in them: every event, every message and the bytes of the last checkpoints. FAIL, with
the first event, message and checkpoint that differ, if a seed does not decide all of it: then something takes the time,
random bits or an order from elsewhere.
"""
SEEDS, RUNS, PROCESSES = 100, 2, 10
TOLD = 600
PROGRESS_EVERY = 100


@dataclass(frozen=True)
class Worker:
    """A process that runs worlds.

    Attributes:
        number: position among them; decides its hash seed and the order of its worlds.
        runs: how often it runs each world.
    """

    number: int
    runs: int


@dataclass(frozen=True)
class World:
    """What a process tells of a world.

    Attributes:
        seed: the world's.
        digest: of everything that happened in it.
        words: all of it in words, by kind, if that was asked for.
    """

    seed: int
    digest: str
    words: dict[str, list[str]]


@dataclass
class Seen:
    """The worlds so far.

    Attributes:
        runs: how many.
        by_seed: for each seed the digests, each with the process that found it first.
    """

    runs: int = 0
    by_seed: dict[int, dict[str, int]] = field(default_factory=dict)

    def take(self, world: World, worker: Worker) -> None:
        """Add a world."""
        self.runs += 1
        self.by_seed.setdefault(world.seed, {}).setdefault(world.digest, worker.number)

    @property
    def apart(self) -> dict[int, list[int]]:
        """Seeds of more than one world, each with processes that disagree."""
        return {seed: list(found.values()) for seed, found in sorted(self.by_seed.items()) if len(found) > 1}


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "canary", help="test whether a seed decides everything in the simulated world", description=DESCRIPTION
    )
    parser.add_argument("--seed", type=int, default=0, help="the first (default: %(default)s)")
    parser.add_argument("--seeds", type=int, default=SEEDS, help="how many (default: %(default)s)")
    parser.add_argument("--runs", type=int, default=RUNS, help="of each seed, at least 2 (default: %(default)s)")
    parser.add_argument(
        "--processes",
        type=int,
        default=PROCESSES,
        help="that share the runs of each seed, if there are so many runs (default: %(default)s)",
    )
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes at a time (default: one a core)")
    parser.add_argument(
        "--plant", default="", metavar="MODULE:FUNCTION", help="call a function in each process first, to plant a bug"
    )
    add_json_flag(parser, "what was found")
    parser.set_defaults(run=run)


def run(flags: argparse.Namespace) -> int:
    """Run every world, compare, print what differs; return the verdict's exit status.

    Raises:
        UnusableError: a flag is invalid; one run of a seed could not differ from another.
    """
    if flags.runs < 2:
        raise UnusableError(f"--runs {flags.runs}: with fewer than 2 runs of a seed there is nothing to compare")
    if min(flags.jobs, flags.processes) < 1 or min(flags.seed, flags.seeds) < 0:
        raise UnusableError("--jobs and --processes begin at 1; --seed and --seeds must not be negative")
    must_be_writable(flags.json)
    say = partial(print, file=people_read(flags.json), flush=True)
    count = max(2, min(flags.processes, flags.runs))
    seen = _run_all(flags, [Worker(number, len(range(number, flags.runs, count))) for number in range(count)], say)
    apart = seen.apart
    told: dict[int, list[str]] = {}
    for seed, numbers in list(apart.items())[:1]:  # the others part for the same reason more often than not
        told[seed] = _first_difference(flags, seed, numbers)
        say("\n  ".join((f"seed {seed}: {len(numbers)} different worlds", *told[seed])))
    verdict = Verdict.FAIL if apart else Verdict.PASS if seen.runs else Verdict.VOID
    same = len(seen.by_seed) - len(apart)
    say(
        f"{same} of {len(seen.by_seed)} seeds gave the same events, messages and checkpoints every time "
        f"({seen.runs} runs in {count} processes)"
    )
    say(f"verdict: {verdict.value}")
    found = {"seeds": len(seen.by_seed), "runs": seen.runs, "processes": count, "apart": list(apart)}
    write_json(flags.json, json.dumps({"verdict": verdict.value, **found, "differences": told}, indent=2) + "\n")
    return verdict.exit_status


def _run_all(flags: argparse.Namespace, workers: Sequence[Worker], say: Callable[[str], None]) -> Seen:
    """Run all processes' worlds, some processes at a time; raises `HarnessError` if one fails."""
    seen, started = Seen(), list[subprocess.Popen[str]]()
    total = flags.seeds * sum(worker.runs for worker in workers)

    def run_one(worker: Worker) -> None:
        for world in _worlds(worker, flags.plant, flags.seed, flags.seeds, started=started):
            seen.take(world, worker)
            if seen.runs % PROGRESS_EVERY == 0:
                say(f"{seen.runs} of {total} runs; {len(seen.apart)} seeds differ so far")

    with ThreadPoolExecutor(flags.jobs) as pool:
        try:
            for _ in pool.map(run_one, workers):
                pass
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for process in started:
                process.kill()
            raise
    return seen


def _worlds(
    worker: Worker, plant: str, first: int, seeds: int, *more: str, started: list[subprocess.Popen[str]] | None = None
) -> Iterator[World]:
    """Yield a process's worlds as it runs them; raises `HarnessError` if it fails."""
    argv = [
        sys.executable, "-m", "harness.sim.canary", "--first", str(first), "--seeds", str(seeds),
        "--runs", str(worker.runs), "--order", str(worker.number), "--plant", plant, *more,
    ]  # fmt: skip
    environment = {**os.environ, "PYTHONHASHSEED": str(worker.number + 1)}
    with subprocess.Popen(
        launched(argv), env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        if started is not None:
            started.append(process)
        assert process.stdout is not None
        other = []
        for line in process.stdout:
            if line.startswith("{"):
                yield World(**json.loads(line))
            else:
                other.append(line)
    if process.returncode:
        raise HarnessError(f"a process that runs worlds ended with {process.returncode}: {''.join(other)[-TOLD:]}")


def _first_difference(flags: argparse.Namespace, seed: int, numbers: Sequence[int]) -> list[str]:
    """Run a seed's world again in two processes that disagreed; return where they part."""
    one, other = (
        next(_worlds(Worker(number, 1), flags.plant, seed, 1, "--say")).words
        for number in (numbers[0], numbers[1] if numbers[1] != numbers[0] else numbers[0] + 1)
    )
    apart = [line for kind in one for line in _parted(kind, one[kind], other[kind])]
    return apart or ["alone in a process it is the same: something is left over from worlds that were run before it"]


def _parted(kind: str, one: Sequence[str], other: Sequence[str]) -> Iterator[str]:
    """Yield the first two lines that differ, from a little before the place where they part."""
    for left, right in zip_longest(one, other, fillvalue="nothing"):
        if left != right:
            same = next((at for at, pair in enumerate(zip(left, right, strict=False)) if len(set(pair)) > 1), 0)
            start = max(0, same - TOLD // 4)
            yield f"first {kind} that differs: {left[: TOLD // 4]}"
            yield from (f"  {'…' if start else ''}{line[start : start + TOLD]}" for line in (left, right))
            return
