"""Prints a case of the simulated world: as Python source, as a diagram, and compared with a case that passes."""

from collections.abc import Callable

from harness.sim.case import Case
from harness.sim.diagram import diagram, first_difference
from harness.sim.outcome import Outcome
from splitlearn.config import TrainingConfig

__all__ = ["pasted", "show_case"]

DEFAULTS = TrainingConfig(model="tiny")


def show_case(case: Case, neighbour: Case | None, say: Callable[[str], None]) -> Outcome:
    """Run a case and print it with its outcome; return the outcome.

    Args:
        case: the case to show.
        neighbour: the same case without one of its faults, which passes; None if there is none.
        say: prints a text.
    """
    outcome = case.run()
    say(f"\n{pasted(case)}\n")
    say(diagram(outcome))
    say(f"\nviolation: {outcome.violation or 'none'}")
    if neighbour is not None:
        left_out = {fault.name for fault in case.scenario.faults} - {fault.name for fault in neighbour.scenario.faults}
        say(f"without {', '.join(left_out)} it passes: {first_difference(outcome, neighbour.run())}")
    return outcome


def pasted(case: Case) -> str:
    """Return a case's scenario as Python source, to be pasted into a file in `scenarios/`."""
    scenario = case.scenario
    faults = "".join(f"\n        {fault!r}," for fault in scenario.faults)
    second = f"\n    second_client={_settings(scenario.second_client)}," if scenario.second_client else ""
    return (
        f"Scenario(\n    {scenario.name!r},\n    {scenario.title!r},\n    {_settings(scenario.config)},\n"
        f"    faults=({faults}\n    ),{second}\n)"
    )


def _settings(config: TrainingConfig) -> str:
    others = DEFAULTS.model_dump(mode="json")
    given = config.model_dump(mode="json").items()
    changed = (f"{name}={value!r}" for name, value in given if name == "model" or value != others[name])
    return f"TrainingConfig({', '.join(changed)})"
