"""A link profile as toxics, which real and simulated networks both know."""

from harness.plan.faults.toxic import Stream, Toxic
from harness.plan.links import LinkProfile

__all__ = ["toxics_of"]


def toxics_of(profile: LinkProfile) -> tuple[Toxic, ...]:
    """Return the toxics that give a proxy a link profile."""
    found: list[Toxic] = []
    for stream, delay, rate in _directions(profile):
        if delay:
            attributes = {"latency": delay, "jitter": profile.jitter_ms}
            found.append(Toxic("latency", stream, attributes, name=f"link_latency_{stream}"))
        if rate:
            found.append(Toxic("bandwidth", stream, {"rate": rate}, name=f"link_bandwidth_{stream}"))
    return tuple(found)


def _directions(profile: LinkProfile) -> tuple[tuple[Stream, int, int], tuple[Stream, int, int]]:
    return ("upstream", profile.up_delay_ms, profile.up_kbps), ("downstream", profile.down_delay_ms, profile.down_kbps)
