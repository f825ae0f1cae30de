"""The sequence of attacks that a seed produces."""

import random
from collections.abc import Iterator, Sequence
from itertools import count
from typing import TypeVar

import hypothesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.strategies import SearchStrategy

from harness.fuzz.attack import Attack
from harness.fuzz.guard import must_be_refused
from harness.fuzz.messages import malformed
from harness.fuzz.raw import SILENT, HttpAttack, drawn
from harness.fuzz.target import METHODS, Target

__all__ = ["attacks", "drawn_from", "examples"]

E = TypeVar("E")

EXAMPLES_PER_KIND = 120
MUTATED_SHARE = 0.5
HTTP_SHARE = 0.02
# A silent connection lasts until the trunk closes it, after ten seconds.
SILENT_EVERY = 5000


def attacks(target: Target, seed: int) -> Iterator[Attack | HttpAttack]:
    """Yield attacks without end; the same ones for the same target and seed.

    Hypothesis makes a pool of some 2,500 requests, which takes seconds. From then on, half of the requests are drawn
    from the pool, so they recur, as from a peer that retries after a refusal; the other half are mutations of its
    bytes, mostly new ones. A few raw connections are mixed in.
    """
    pool = examples(target, seed)
    bodies = {method: [a.body for found in pool.values() for a in found if a.method == method] for method in METHODS}
    chance = random.Random(seed)  # noqa: S311 - repeatable, not secret
    kinds = sorted(pool)
    for number in count():
        if number % SILENT_EVERY == 0:
            yield SILENT
            continue
        if chance.random() < HTTP_SHARE:
            yield drawn(chance)
            continue
        attack = chance.choice(pool[chance.choice(kinds)])
        if chance.random() < MUTATED_SHARE:
            body = mutated(attack.body, bodies[attack.method], chance)
            attack = Attack("mutation", attack.method, body)
            if not must_be_refused(target, attack.method, attack.body):
                continue
        yield attack


def examples(target: Target, seed: int) -> dict[str, list[Attack]]:
    """Return the pool, by kind."""
    pool = {kind: drawn_from(strategy, seed) for kind, strategy in malformed(target).items()}
    return {
        kind: [a for a in found if not a.checksum or must_be_refused(target, a.method, a.body)]
        for kind, found in pool.items()
    }


def mutated(body: bytes, others: Sequence[bytes], chance: random.Random) -> bytes:
    """Alter, cut, double or insert some bytes, or append another message, which a reader merges with the first."""
    data = bytearray(body)
    for _ in range(chance.randint(1, 2)):
        at = chance.randrange(len(data) + 1)
        match chance.randrange(6):
            case 0:
                data[at : at + 1] = chance.randbytes(1)
            case 1:
                del data[at:]
            case 2:
                data[at:at] = data[at : at + chance.randint(1, 16)]
            case 3:
                data[at:at] = chance.randbytes(chance.randint(1, 8))
            case _:
                data += chance.choice(others)
    return bytes(data)


def drawn_from(strategy: SearchStrategy[E], seed: int, examples: int = EXAMPLES_PER_KIND) -> list[E]:
    """Return examples of a strategy, the same for the same seed."""
    found: list[E] = []

    @hypothesis.seed(seed)
    @settings(
        max_examples=examples,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def collect(example: E) -> None:
        found.append(example)

    collect()
    return found
