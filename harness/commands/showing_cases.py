"""Prints a case of the simulated world: as Python source, as a diagram, and compared with a case that passes."""

from collections.abc import Callable

from harness.commands.pasted import pasted
from harness.sim.case import Case
from harness.sim.consequence import first_consequence
from harness.sim.diagram import diagram
from harness.sim.outcome import Outcome

__all__ = ["show_case"]


def show_case(case: Case, neighbour: Case | None, say: Callable[[str], None]) -> Outcome:
    """Run a case and print it with its outcome; return the outcome.

    Args:
        case: the case to show.
        neighbour: the same case without one of its faults, which does not fail in the same way; None if there is none.
        say: prints a text.
    """
    outcome = case.run()
    say(f"\n{pasted(case)}\n")
    say(diagram(outcome))
    say(f"\nviolation: {outcome.violation or 'none'}")
    if neighbour is not None:
        left = [fault.name for fault in neighbour.scenario.faults]
        left_out = [fault.name for fault in case.scenario.faults if fault.name not in left]
        other = neighbour.run()
        told = f"violates {other.violation}" if other.violation else "passes"
        say(f"without {', '.join(left_out)} it {told}: {first_consequence(outcome, other, left)}")
    return outcome
