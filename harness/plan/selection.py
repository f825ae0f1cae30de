"""Resolves a command line to scenarios: names and groups of the catalogue, and user files."""

from collections.abc import Iterable
from pathlib import Path

from harness.errors import UnusableError
from harness.plan.catalogue import CATALOGUE, scenarios_named
from harness.plan.scenario import Scenario
from harness.plan.spelling import did_you_mean
from harness.plan.user_module import import_file
from splitlearn.errors import ConfigError

__all__ = ["IN_FILE", "chosen_scenarios", "is_in_catalogue"]

# Separates a file of scenarios from the name of one of them.
IN_FILE = "::"


def chosen_scenarios(words: Iterable[str], seed: int | None) -> list[Scenario]:
    """Return the scenarios that arguments name: NAME, GROUP, FILE.py or FILE.py::NAME.

    Args:
        words: arguments as on the command line.
        seed: for weights, data order and dropout, instead of each scenario's own.

    Raises:
        UnusableError: an argument names nothing, or the seed is not allowed.
    """
    try:
        return [scenario for word in words for scenario in _meant_by(word, seed)]
    except ConfigError as error:
        raise UnusableError(str(error)) from None


def is_in_catalogue(scenario: Scenario) -> bool:
    """Return whether `harness run` with its name and seed runs this very scenario."""
    named = [found for group in CATALOGUE.values() for found in group if found.name == scenario.name]
    return any(found.with_seed(scenario.config.seed) == scenario for found in named)


def _meant_by(word: str, seed: int | None) -> list[Scenario]:
    file, _, name = word.partition(IN_FILE)
    if file.endswith(".py"):
        return _seeded(_in_file(Path(file), name), seed)
    try:
        return _seeded(scenarios_named(word), seed)
    except KeyError:
        names = [*CATALOGUE, *(scenario.name for group in CATALOGUE.values() for scenario in group)]
        hint = did_you_mean(word, names)
        raise UnusableError(f"there is no scenario {word!r}{hint}; `harness run --list` names all") from None


def _seeded(scenarios: Iterable[Scenario], seed: int | None) -> list[Scenario]:
    return [scenario if seed is None else scenario.with_seed(seed) for scenario in scenarios]


def _in_file(path: Path, name: str) -> list[Scenario]:
    """Return a file's scenarios, or the one of that name."""
    values = vars(import_file(path, f"scenarios_of_{path.stem}")).values()
    # One value may have several names.
    found = list({id(value): value for value in values if isinstance(value, Scenario)}.values())
    names = [scenario.name for scenario in found]
    if not found:
        raise UnusableError(f"{path} has no scenario: assign a `harness.plan.scenario.Scenario` to a module's name")
    if len(set(names)) < len(names):
        raise UnusableError(f"{path} has two scenarios of one name: {', '.join(sorted(names))}")
    if not name:
        return found
    if name not in names:
        raise UnusableError(f"{path} has no scenario {name!r}{did_you_mean(name, names)}; it has {', '.join(names)}")
    return [found[names.index(name)]]
