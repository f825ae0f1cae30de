"""The rules that a scenario must satisfy: one function per rule, which yields what to change."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, TypeAlias, get_args

from harness.plan.amounts import amounts_can_be_meant
from harness.plan.faults import CutMessage, DropConnection, MessageFault, NetworkFault, OvertakenRequest, Partition
from harness.plan.faults.groups import GROUPS, OTHER
from harness.plan.field_types import fields_have_their_types
from harness.plan.names import name_fits_a_folder
from harness.plan.numbers import numbers_can_be_meant
from harness.plan.other_clients import (
    faults_of_other_clients_have_one,
    other_clients_agree_with_the_trunk,
    other_clients_have_a_trunk_to_share,
)
from harness.plan.planned import Planned
from harness.plan.rpcs import RPCS
from harness.plan.spelling import did_you_mean
from harness.plan.topology import Topology
from splitlearn.config import TrainingConfig
from splitlearn.errors import ConfigError
from splitlearn.points import POINTS, Frequency
from splitlearn.presets import PRESETS

if TYPE_CHECKING:
    from harness.plan.scenario import Scenario

__all__ = ["broken_rules"]

Rule: TypeAlias = "Callable[[Scenario], Iterator[str]]"

TOPOLOGIES = get_args(Topology)
PARTIES = ("client", "trunk")
METHODS = tuple(rpc.method for rpc in RPCS)
OF_ONE_METHOD = (MessageFault, OvertakenRequest)
OF_ANY_METHOD = (CutMessage, DropConnection, NetworkFault, Partition)


def broken_rules(scenario: "Scenario") -> list[str]:
    """Return what to change in a scenario, one sentence each; empty if it is valid."""
    types, *others = RULES
    # The other rules compute with the fields, whose values must therefore have their types.
    return [*types(scenario)] or [broken for rule in others for broken in rule(scenario)]


def topology_is_known(scenario: "Scenario") -> Iterator[str]:
    """The engine can build three topologies."""
    if scenario.topology not in TOPOLOGIES:
        hint = did_you_mean(scenario.topology, TOPOLOGIES)
        yield f"there is no topology {scenario.topology!r}{hint}; there are {', '.join(TOPOLOGIES)}"


def points_are_known(scenario: "Scenario") -> Iterator[str]:
    """A point that no program has would never be passed."""
    for point in dict.fromkeys((*scenario.expects, *(planned.at.point for planned in scenario.planned))):
        if point not in POINTS:
            yield f"there is no point {point!r}{did_you_mean(point, POINTS)}; splitlearn/points.py lists them"


def methods_are_known(scenario: "Scenario") -> Iterator[str]:
    """A fault in an RPC that does not exist would never show."""
    for fault in scenario.faults:
        allowed = METHODS if isinstance(fault, OF_ONE_METHOD) else ("", *METHODS)
        if isinstance(fault, (*OF_ONE_METHOD, *OF_ANY_METHOD)) and fault.method not in allowed:
            hint = did_you_mean(fault.method, METHODS)
            yield f"{fault.name}: there is no RPC {fault.method!r}{hint}; there are {', '.join(METHODS)}"


def groups_are_known(scenario: "Scenario") -> Iterator[str]:
    """The report has one column per group."""
    for fault in scenario.faults:
        if fault.group not in (*GROUPS, OTHER):
            hint = did_you_mean(fault.group, GROUPS)
            yield f"there is no group of faults {fault.group!r}{hint}; use {OTHER!r} for a fault that fits none"


def faults_have_a_proxy(scenario: "Scenario") -> Iterator[str]:
    """Without a proxy there is no network to break."""
    if scenario.faults and scenario.topology != "proxy":
        yield f"topology {scenario.topology!r} has no proxy, and so no faults; make it 'proxy', or leave the faults out"


def adversaries_have_a_trunk_to_attack(scenario: "Scenario") -> Iterator[str]:
    """A trunk in the client's process has no port to attack."""
    if scenario.adversaries and scenario.topology == "local":
        yield "topology 'local' has no trunk that adversaries could reach; make it 'direct' or 'proxy'"


def links_have_a_proxy(scenario: "Scenario") -> Iterator[str]:
    """Without a proxy the link would be as fast as the machine."""
    link = scenario.link
    if scenario.topology != "proxy" and any((link.round_trip_ms, link.jitter_ms, link.up_kbps, link.down_kbps)):
        yield f"topology {scenario.topology!r} has no proxy, which alone makes the link {link.name!r}; make it 'proxy'"


def links_are_possible(scenario: "Scenario") -> Iterator[str]:
    """No delay is negative, with or without jitter."""
    link = scenario.link
    if min(link.round_trip_ms, link.jitter_ms, link.up_kbps, link.down_kbps) < 0:
        yield f"link {link.name!r}: delays, jitter and bandwidths are 0 or more"
    if link.jitter_ms > max(0, link.round_trip_ms):
        yield f"link {link.name!r}: a jitter of {link.jitter_ms} ms is more than the round trip"


def faults_happen_within_the_run(scenario: "Scenario") -> Iterator[str]:
    """A fault at a step or microbatch that does not reach its point never fires."""
    known = (planned for planned in scenario.planned if planned.at.point in POINTS)
    for fault in known:
        steps, microbatches = _steps_passed(fault, scenario), range(scenario.config.gradient_accumulation_steps)
        if steps is not None and fault.at.step is not None and fault.at.step not in steps:
            yield f"{fault.name}: the run does not pass that point at step {fault.at.step}; {_in_words(steps)}"
        if fault.at.microbatch is not None and fault.at.microbatch not in microbatches:
            yield (
                f"{fault.name}: a step has no microbatch {fault.at.microbatch}; gradient_accumulation_steps makes "
                f"{len(microbatches)} of them, from 0"
            )


def faults_have_names_of_their_own(scenario: "Scenario") -> Iterator[str]:
    """The trace identifies faults by name."""
    for name, count in Counter(planned.name for planned in scenario.planned).items():
        if count > 1:
            yield f"{count} faults or adversaries are called {name}; give each a place of its own, or keep only one"


def party_settings_are_allowed(scenario: "Scenario") -> Iterator[str]:
    """Party and setting must exist, and the value must be allowed."""
    for party, settings in scenario.party_settings.items():
        if party not in PARTIES:
            yield f"there is no party {party!r}{did_you_mean(party, PARTIES)}; there are {' and '.join(PARTIES)}"
        unknown = [name for name in settings if name not in TrainingConfig.model_fields]
        for name in unknown:
            yield f"there is no setting {name!r}{did_you_mean(name, TrainingConfig.model_fields)}"
        if not unknown:
            others = scenario.other_clients if party == "client" else ()
            yield from dict.fromkeys(_refusals(scenario, party, (scenario.config, *others)))


def cuts_fit_the_preset(scenario: "Scenario") -> Iterator[str]:
    """Checked for presets only: the size of a model in a folder is known once it is read."""
    config = scenario.config
    if config.model in PRESETS and config.cuts.upper > PRESETS[config.model]["n_layer"]:
        blocks = PRESETS[config.model]["n_layer"]
        yield f"cuts {config.cuts} need {config.cuts.upper} blocks; the model {config.model!r} has {blocks}"


def a_loss_is_stated_where_it_is_checked(scenario: "Scenario") -> Iterator[str]:
    """Convergence means that the loss falls below a stated value."""
    if "convergence" in scenario.checks and not scenario.loss_below > 0:
        yield "the check 'convergence' needs a value below which the loss must fall; set loss_below"


def times_are_taken_without_the_reference_beside(scenario: "Scenario") -> Iterator[str]:
    """Two training runs on one machine slow each other down."""
    if "step_time" in scenario.checks and not scenario.timed:
        yield "the check 'step_time' needs a run that has the machine to itself; set timed=True"


def a_run_may_take_longer_than_a_call(scenario: "Scenario") -> Iterator[str]:
    """Otherwise the run would be ended before its first call could fail."""
    longest = max(config.rpc_timeout for config in (scenario.config, *scenario.other_clients))
    if scenario.timeout <= longest:
        yield (
            f"timeout {scenario.timeout:g} s is no longer than one call may take (rpc_timeout {longest:g} s); make it "
            "longer"
        )


RULES: tuple[Rule, ...] = (
    fields_have_their_types,
    name_fits_a_folder,
    numbers_can_be_meant,
    amounts_can_be_meant,
    topology_is_known,
    points_are_known,
    methods_are_known,
    groups_are_known,
    faults_have_a_proxy,
    adversaries_have_a_trunk_to_attack,
    links_have_a_proxy,
    links_are_possible,
    faults_happen_within_the_run,
    faults_have_names_of_their_own,
    party_settings_are_allowed,
    cuts_fit_the_preset,
    a_loss_is_stated_where_it_is_checked,
    other_clients_have_a_trunk_to_share,
    other_clients_agree_with_the_trunk,
    faults_of_other_clients_have_one,
    times_are_taken_without_the_reference_beside,
    a_run_may_take_longer_than_a_call,
)


def _refusals(scenario: "Scenario", party: str, configs: Iterable[TrainingConfig]) -> Iterator[str]:
    for config in configs:
        try:
            scenario.settings_of(party, config)
        except ConfigError as error:
            yield f"settings of the {party}: {error}"


def _steps_passed(fault: Planned, scenario: "Scenario") -> range | None:
    """Return the steps at which the run can pass a fault's point; None where the settings do not say."""
    last, interval = scenario.config.max_steps, scenario.config.save_interval
    if not last:
        return None
    match POINTS[fault.at.point]:
        case Frequency.RUN:
            return range(last + 1)
        case Frequency.CHECKPOINT:
            if fault.at.step == last or any(other.asks_to_stop for other in scenario.planned):
                return range(1, last + 1)
            return range(interval, last + 1, interval) if interval else range(last, last + 1)
        case _:
            return range(last)


def _in_words(steps: range) -> str:
    if len(steps) == 1:
        return f"only step {steps[0]} has it"
    every = "" if steps.step == 1 else f", every {steps.step} of them"
    return f"its steps are {steps[0]} to {steps[-1]}{every}" if steps else "no step has it"
