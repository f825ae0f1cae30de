"""How many bytes a run moved, and how many it had to."""

from collections.abc import Mapping

from harness.facts import RunFacts

__all__ = ["least_bytes", "traffic_figures"]

FLOAT32_BYTES = 4
TENSORS_PER_MICROBATCH = 4  # smashed data, features, and the gradients of both


def least_bytes(facts: RunFacts) -> int:
    """Count the bytes of four B x T x H float32 tensors a microbatch, over all steps."""
    positions = sum(int(step["positions"]) for step in facts.split_steps)
    return TENSORS_PER_MICROBATCH * FLOAT32_BYTES * positions * facts.hidden_size


def traffic_figures(facts: RunFacts) -> Mapping[str, float | int]:
    """Compare the bytes at the proxy with the least."""
    assert facts.traffic is not None
    steps = len(facts.split_steps)
    total, least = facts.traffic.upstream + facts.traffic.downstream, least_bytes(facts)
    return {
        "upstream": facts.traffic.upstream,
        "downstream": facts.traffic.downstream,
        "steps": steps,
        "per_step": total / steps,
        "floor_per_step": least / steps,
        "ratio": total / least,
    }
