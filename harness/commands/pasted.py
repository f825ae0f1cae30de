"""A case's scenario as Python source, to be pasted into a file and run as it is."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from itertools import groupby

import splitlearn.config
from harness.plan import faults
from harness.sim.case import Case, SimulatedIn
from splitlearn.config import TrainingConfig

__all__ = ["pasted"]

NAME = "FOUND"
# Packages that have types of their modules.
PACKAGES = (faults, splitlearn.config)
INDENT = "    "


def pasted(case: Case) -> str:
    """Return a case's scenario as the source of a module: the imports and the value, without what is by default.

    `harness run FILE.py --sim` runs it, in a world of its own seed; its first lines say so.
    """
    named = sorted({(_module_of(kind), kind.__name__) for kind in _kinds(case.scenario)})
    by_module = groupby(named, key=lambda each: each[0])
    imports = (f"from {module} import {', '.join(name for _, name in names)}\n" for module, names in by_module)
    return f"{_note(case.world)}\n{''.join(imports)}\n{NAME} = {_source(case.scenario, '')}"


def _note(world: SimulatedIn) -> str:
    """Return comments that say how the module is run, and what it leaves out."""
    settings = ", ".join(f"{field.name}={_literal(getattr(world, field.name))}" for field in fields(world))
    return (
        "# harness run FILE.py --sim runs this scenario. It leaves out how it was simulated, without which it may\n"
        f"# pass: {settings}; to repeat the failure, replay the case's JSON file.\n"
    )


def _source(value: object, margin: str) -> str:
    """Return a value's source, whose further lines begin with a margin."""
    inner = margin + INDENT
    if isinstance(value, TrainingConfig):
        return _lines("TrainingConfig(", (f"{name}={_literal(each)}" for name, each in _changed(value).items()), margin)
    if isinstance(value, tuple) and any(is_dataclass(each) or isinstance(each, TrainingConfig) for each in value):
        return _lines("(", (_source(each, inner) for each in value), margin)
    if not is_dataclass(value):
        return _literal(value)
    given = [(field, getattr(value, field.name)) for field in _given(value)]
    parts = ((f"{field.name}=" if _has_default(field) else "") + _source(each, inner) for field, each in given)
    head = f"{type(value).__name__}("
    # A scenario has a line for each of its values, a fault is one line.
    return (
        _lines(head, parts, margin)
        if any(isinstance(each, TrainingConfig) for _, each in given)
        else (f"{head}{', '.join(parts)})")
    )


def _lines(head: str, parts: Iterator[str], margin: str) -> str:
    return "\n".join([head, *(f"{margin}{INDENT}{part}," for part in parts), f"{margin})"])


def _literal(value: object) -> str:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)


def _changed(config: TrainingConfig) -> Mapping[str, object]:
    """Return the settings that differ from their defaults, as a configuration's JSON has them."""
    usual = TrainingConfig().model_dump(mode="json")
    return {name: value for name, value in config.model_dump(mode="json").items() if value != usual[name]}


def _given(value: object) -> list["Field[object]"]:
    """Return the fields of a dataclass that have no default, or another value."""
    assert is_dataclass(value)
    return [
        field for field in fields(value) if not _has_default(field) or getattr(value, field.name) != _default(field)
    ]


def _has_default(field: "Field[object]") -> bool:
    return field.default is not MISSING or field.default_factory is not MISSING


def _default(field: "Field[object]") -> object:
    return field.default if field.default_factory is MISSING else field.default_factory()


def _kinds(value: object) -> Iterator[type]:
    """Yield the types that a value's source names."""
    if isinstance(value, tuple):
        for each in value:
            yield from _kinds(each)
    elif isinstance(value, TrainingConfig):
        yield TrainingConfig
    elif is_dataclass(value):
        yield type(value)
        for field in _given(value):
            yield from _kinds(getattr(value, field.name))


def _module_of(kind: type) -> str:
    """Return the module from which a type is imported."""
    packages = (package.__name__ for package in PACKAGES if getattr(package, kind.__name__, None) is kind)
    return next(packages, kind.__module__)
