"""`harness agree`: runs the same fault schedules in the simulated world and with real programs, and compares them."""

import argparse
import json
import tempfile
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from harness.output import add_json_flag, must_be_writable, people_read, write_json
from harness.plan.comparable import comparable
from harness.trace.verdict import Verdict

if TYPE_CHECKING:
    from harness.engine.testbed import Testbed
    from harness.judging.agreement import Place, Witness
    from harness.plan.scenario import Scenario

__all__ = ["add_parser", "disagreements"]

DESCRIPTION = """\
Run fault schedules drawn from consecutive seeds twice, in the simulated world and with real programs behind the proxy.
Compare the verdicts, the faults that showed, the steps that each side applied, the digests of all tensors, and the
final checkpoints. FAIL if the two runs differ in any of them.
"""
SCHEDULES = 10


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = subparsers.add_parser("agree", help="check the simulation against real programs", description=DESCRIPTION)
    parser.add_argument("--seed", type=int, default=0, help="seed of the first schedule (default: %(default)s)")
    parser.add_argument("--schedules", type=int, default=SCHEDULES, help="number of schedules (default: %(default)s)")
    parser.add_argument(
        "--proxy", choices=("auto", "real", "embedded"), default="auto", help="which proxy server to use"
    )
    add_json_flag(parser, "all disagreements")
    parser.set_defaults(run=run)


def run(flags: argparse.Namespace) -> int:
    """Run every schedule in both worlds; return the verdict's exit status."""
    from harness.engine.testbed import open_testbed  # noqa: PLC0415 - needs torch, for which --help must not wait
    from harness.proxy.server_process import find_backend  # noqa: PLC0415 - as above
    from harness.report.wording import plural  # noqa: PLC0415 - as above

    must_be_writable(flags.json)
    say = partial(print, file=people_read(flags.json), flush=True)
    found: dict[str, list[str]] = {}
    with (
        tempfile.TemporaryDirectory(prefix="splitlearn-agree-") as runs,
        open_testbed(Path(runs), find_backend(flags.proxy)) as testbed,
    ):
        for seed in range(flags.seed, flags.seed + flags.schedules):
            scenario = comparable(seed)
            found[scenario.name] = disagreements(scenario, seed, testbed)
            say(f"{'FAIL' if found[scenario.name] else 'PASS'}   {scenario.name}  {scenario.title}")
            for each in found[scenario.name]:
                say(f"       {each}")
    apart = {name: told for name, told in found.items() if told}
    verdict = Verdict.FAIL if apart else Verdict.PASS if found else Verdict.VOID
    say(f"{len(found) - len(apart)} of {plural(len(found), 'schedule')} agree")
    say(f"verdict: {verdict.value}")
    told = {"verdict": verdict.value, "schedules": len(found), "agreed": len(found) - len(apart), "apart": apart}
    write_json(flags.json, json.dumps(told, indent=2) + "\n")
    return verdict.exit_status


def disagreements(scenario: "Scenario", seed: int, testbed: "Testbed") -> list[str]:
    """Run a scenario simulated and with real programs; return a description of each difference.

    Args:
        scenario: what to run.
        seed: seed of the simulated world.
        testbed: runs the real programs.
    """
    from harness.judging.agreement import differences  # noqa: PLC0415 - needs torch, for which --help must not wait

    return list(differences(scenario.faults, _simulated(scenario, seed), _real(scenario, testbed)))


def _simulated(scenario: "Scenario", seed: int) -> "Witness":
    from harness.judging.agreement import Witness  # noqa: PLC0415 - as above
    from harness.sim.arms import expected_of  # noqa: PLC0415 - as above
    from harness.sim.parts import load_parts  # noqa: PLC0415 - as above
    from harness.sim.simulation import Simulation  # noqa: PLC0415 - as above
    from splitlearn.tensor_log import FileTensorLog  # noqa: PLC0415 - as above

    expected = expected_of(scenario, "tensors")
    assert expected.violation is None, f"the undisturbed run: {expected.violation}"
    with tempfile.TemporaryDirectory(prefix="splitlearn-simulated-") as folder, ExitStack() as stack:

        def new_log(party: str) -> FileTensorLog:
            return stack.enter_context(closing(FileTensorLog(Path(folder, party), scenario.record_steps)))

        outcome = Simulation(scenario, load_parts, seed, expected, new_log).run()
        digests = _logged(Path(folder))
    verdict = str(outcome.violation or Verdict.PASS.value)
    return Witness(verdict, outcome.events, digests, _digests_of(*outcome.finals.values()))


def _real(scenario: "Scenario", testbed: "Testbed") -> "Witness":
    from harness.engine.run import run_scenario  # noqa: PLC0415 - as above
    from harness.judging.agreement import Witness  # noqa: PLC0415 - as above
    from harness.trace.event import Event  # noqa: PLC0415 - as above

    events: list[Event] = []
    outcome = run_scenario(scenario, testbed, events.append)
    wrong = [
        f"{check.name}: {check.verdict.value} {check.void_because}"
        for check in outcome.checks
        if check.verdict not in (Verdict.PASS, Verdict.NOT_APPLICABLE)
    ]
    # A run that passed keeps no checkpoint, because its checkpoint equals the reference's.
    reference = testbed.references.get(scenario.config, scenario.record_steps).wait() / "final.safetensors"
    final = _digests_of(reference.read_bytes())
    return Witness("; ".join([outcome.verdict.value, *wrong]), events, _logged(outcome.folder / "tensors"), final)


def _logged(folder: Path) -> "dict[Place, str]":
    """Return the digests that both parties have logged below a folder."""
    from harness.recording.writer import read_lines  # noqa: PLC0415 - as above

    return {
        (party, line["step"], line["microbatch"], line["tensor"]): line["sha256"]
        for party in ("client", "trunk")
        for line in read_lines(folder / party / "digests.jsonl")
    }


def _digests_of(*files: bytes) -> dict[str, str]:
    """Return the digests of all tensors in safetensors files, by name."""
    from safetensors.torch import load  # noqa: PLC0415 - as above

    from splitlearn.tensor_log import digest  # noqa: PLC0415 - as above

    return {name: digest(tensor) for file in files for name, tensor in load(file).items()}
