"""Whether a world's seed decides everything that happens in it: the same worlds in processes that differ.

`python -m harness.sim.canary` is one such process. It runs the worlds of some seeds, in an order of its own, and prints
a line of JSON for each run.
"""

import argparse
import hashlib
import json
import random
import sys
from collections.abc import Iterator
from pkgutil import resolve_name

import torch

from harness.sim.draw_case import case_of
from harness.sim.outcome import Outcome

__all__ = ["digest_of", "words_of"]

# Bytes of a message or a file that are said.
SHOWN = 400


def digest_of(outcome: Outcome) -> str:
    """Return a digest of every event and message of a run, and of the last checkpoints' bytes."""
    digest = hashlib.blake2b(outcome.trace_hash.encode(), digest_size=16)
    for path, data in sorted(outcome.finals.items()):
        digest.update(path.encode() + data)
    return digest.hexdigest()


def words_of(outcome: Outcome) -> dict[str, list[str]]:
    """Return in words what counts in the digest: events, messages and checkpoints, each in their order."""
    events = [
        f"at {event.t!r} s: {event.party or event.source} {event.point}, step {event.step}, "
        f"microbatch {event.microbatch}, {sorted(event.fields.items())}"
        for event in outcome.events
    ]
    return {
        "event": events,
        "message": [*_messages(outcome)],
        "checkpoint": [_told(path, data) for path, data in sorted(outcome.finals.items())],
    }


def _messages(outcome: Outcome) -> Iterator[str]:
    for call, replies in outcome.messages:
        yield _told(f"request {call.number}, {call.method} of the {call.client}", call.request)
        for reply in replies:
            yield _told(f"reply to request {call.number}", reply)


def _told(what: str, data: bytes) -> str:
    return f"{what}: {len(data)} bytes {hashlib.blake2b(data, digest_size=8).hexdigest()} {data[:SHOWN]!r}"


def main() -> None:
    """Run worlds, as the command line says."""
    parser = argparse.ArgumentParser(prog="harness.sim.canary")
    parser.add_argument("--first", type=int, required=True)
    parser.add_argument("--seeds", type=int, required=True)
    parser.add_argument("--runs", type=int, required=True)
    parser.add_argument("--order", type=int, required=True)
    parser.add_argument("--plant", default="")
    parser.add_argument("--say", action="store_true")
    flags = parser.parse_args()
    torch.set_num_threads(1)
    if flags.plant:
        resolve_name(flags.plant)()
    seeds = list(range(flags.first, flags.first + flags.seeds))
    for turn in range(flags.runs):
        # In another order, whatever one world leaves behind for the next is another, too.
        random.Random(f"{flags.order} {turn}").shuffle(seeds)  # noqa: S311 - repeatable, not secret
        for seed in seeds:
            outcome = case_of(seed, "stub").run()
            words = words_of(outcome) if flags.say else {}
            sys.stdout.write(json.dumps({"seed": seed, "digest": digest_of(outcome), "words": words}) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
