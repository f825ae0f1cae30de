"""Commands that rerun what did not pass."""

from collections.abc import Iterable

from harness.recording.reader import RunFolder

__all__ = ["commands_again"]


def commands_again(runs: Iterable[RunFolder]) -> list[str]:
    """Return the replay commands of the runs that did not pass; scenarios with the same options share a command."""
    by_options: dict[str, list[str]] = {}
    others: list[str] = []
    for run in runs:
        name, replay = run.scenario.name, run.verdict.replay
        if run.verdict.verdict == "PASS" or not replay:
            continue
        beginning = f"harness run {name} "
        if replay.startswith(beginning):
            by_options.setdefault(replay.removeprefix(beginning), []).append(name)
        else:
            others.append(replay)
    together = (f"harness run {' '.join(dict.fromkeys(names))} {options}" for options, names in by_options.items())
    return [*together, *dict.fromkeys(others)]
