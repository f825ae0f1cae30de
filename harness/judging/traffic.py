"""How many bytes a run moved, and how many it had to."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from safetensors import safe_open

from harness.judging.facts import RunFacts
from harness.oracle.digests import stage_of
from harness.recording.schema import TrafficRecord

__all__ = ["Bytes", "bytes_of", "traffic_figures"]

TENSORS_PER_MICROBATCH = 4  # smashed data, features, and the gradients of both
CALLS_PER_MICROBATCH = 2
FLOAT32_BYTES = 4


def _sparse(width: int) -> float:
    """Return the bytes of a row's tenth in float32, and of its positions: log2(width / kept) bits, the rest unary."""
    kept = -(-width // 10)
    bits = int(math.log2(width / kept))
    return kept * FLOAT32_BYTES + (kept * (bits + 1) + width / (1 << bits)) / 8


# Bytes of one position at a cut, by codec and width; a compressed one may take less than float32 and never much more.
POSITION_BYTES: Mapping[str, Callable[[int], float]] = {
    "raw": lambda width: FLOAT32_BYTES * width,
    "fp16": lambda width: 2 * width,
    "bf16": lambda width: 2 * width,
    "int8": lambda width: width + FLOAT32_BYTES,
    "int4": lambda width: width / 2 + 2 * width / 64,
    "topk": _sparse,
    "random-topk": _sparse,
    "topk-ef": _sparse,
}
# Codecs that must save more than everything except tensors takes, or they are not in use.
COMPRESSING = ("zlib", "shuffle-zstd")
# Upper bounds for everything except tensors: masks and frames with them, keys and headers with every call, the norm of
# each parameter with every step, and the messages at the beginning and end of a session.
BESIDE_TENSORS, BESIDE_CALL, OF_A_NORM, OF_A_SESSION = 0.01, 512, 96, 24_576


@dataclass(frozen=True)
class Bytes:
    """What a run without faults moves.

    Attributes:
        least: the encoded tensors at the cuts; without compression there cannot be fewer.
        most: with everything else included.
        compresses: whether there may be fewer than the least.
    """

    least: int
    most: int
    compresses: bool


def bytes_of(facts: RunFacts) -> Bytes:
    """Count the bytes that the reference's steps need: four B x T x H tensors per microbatch."""
    config, steps = facts.scenario.config, facts.reference_steps
    # In a skipped step, what is not finite is not sent.
    sent = sum(int(step["positions"]) for step in steps if not step["skipped"])
    positions, microbatches = (sum(int(step[name]) for step in steps) for name in ("positions", "microbatches"))
    fetched = sum(step["step"] in facts.scenario.record_steps and not step["skipped"] for step in steps)
    trunk = _trunk_parameters(facts)
    of_a_position = TENSORS_PER_MICROBATCH * POSITION_BYTES.get(config.codec, POSITION_BYTES["raw"])(facts.hidden_size)
    gradients = fetched * FLOAT32_BYTES * sum(trunk.values())
    least, tensors = (int(of_a_position * count) + gradients for count in (sent, positions))
    beside = len(steps) * len(trunk) * OF_A_NORM + microbatches * CALLS_PER_MICROBATCH * BESIDE_CALL + OF_A_SESSION
    most = tensors if config.codec in COMPRESSING else int(tensors * (1 + BESIDE_TENSORS)) + beside
    return Bytes(least, most, config.codec not in POSITION_BYTES)


def traffic_figures(facts: RunFacts) -> TrafficRecord:
    """Compare the bytes at the proxy with the minimum."""
    assert facts.traffic is not None
    steps = len(facts.split_steps)
    total, least = facts.traffic.upstream + facts.traffic.downstream, bytes_of(facts).least
    return TrafficRecord(
        upstream=facts.traffic.upstream,
        downstream=facts.traffic.downstream,
        steps=steps,
        per_step=total / steps,
        floor_per_step=least / steps,
        ratio=total / least,
    )


def _trunk_parameters(facts: RunFacts) -> dict[str, int]:
    """Return the number of elements of each of the trunk's parameters."""
    with safe_open(facts.reference.finals[0], "pt") as file:
        names = [name.removeprefix("weights/") for name in file.keys() if name.startswith("weights/")]  # noqa: SIM118 - no mapping
        own = [name for name in names if stage_of(name, facts.scenario.config.cuts) == "trunk"]
        return {name: file.get_tensor(f"weights/{name}").numel() for name in own}
