"""Describes what a scenario does not cover, so that nobody reads too much into a PASS."""

from harness.plan.scenario import Scenario

__all__ = ["not_covered"]


def not_covered(scenario: Scenario) -> list[str]:
    """List what this scenario leaves unproven."""
    config = scenario.config
    gaps = [
        (scenario.topology != "proxy", f"a network: the topology was {scenario.topology}"),
        (not scenario.faults, "faults: none were planned"),
        (scenario.link.round_trip_ms == 0, "a slow link: the link was loopback"),
        ("equivalence" not in scenario.checks, "equality with one process: it was not checked"),
        (bool(scenario.planned), "traffic: what was disturbed may have been sent twice, or not have arrived"),
        (config.device == "cpu", "accelerators: every process ran on the CPU"),
        (config.dtype == "float32", "bfloat16: every process computed in float32"),
        (config.gradient_accumulation_steps == 1, "gradient accumulation: every step had one microbatch"),
        (config.codec == "raw", "codecs: tensors travelled as they are"),
        (config.data_format == "packed", "padding: every sequence was full"),
        (not any(fault.ends("client") for fault in scenario.faults), "a killed client: it lived to the end"),
        (not any(fault.ends("trunk") for fault in scenario.faults), "a killed trunk: it lived to the end"),
        (True, "other machines: every process ran on this one"),
    ]
    return [text for gap, text in gaps if gap]
