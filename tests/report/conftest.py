"""Synthetic run folders, as realistic as the report needs: one that passes with faults, one that fails, one void."""

import functools
import json
import math
import random

import pytest
from synthetic_values import ENVIRONMENT, FIRST_BAD_STEP, LOG, TRAFFIC, equivalence, scenario, verdict

from harness.recording.reader import read_run
from harness.report.page import render_run

STEPS = 40


def _jsonl(file, records):
    file.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")


def _json(file, record):
    file.write_text(json.dumps(record, indent=2), encoding="utf-8")


def _steps(kind):
    """Make the records of both runs; the failing one drifts away after a step, the void one is short."""
    rng = random.Random(7)  # noqa: S311 - reproducible noise
    split, reference = [], []
    for step in range(1, (8 if kind == "VOID" else STEPS) + 1):
        loss = 2.2 + 5.4 * math.exp(-step / 14) + rng.gauss(0, 0.06)
        drift = 6e-8 * 2.1 ** (step - FIRST_BAD_STEP) if kind == "FAIL" and step >= FIRST_BAD_STEP else 0.0
        stall = {9: 1.9, 23: 3.4}.get(step, 0.0) if kind == "PASS" else 0.0
        breakdown = {
            "bottom": 0.021 + rng.random() * 0.004,
            "forward_wait": 0.118 + rng.random() * 0.02 + stall,
            "top": 0.052 + rng.random() * 0.006,
            "backward_wait": 0.131 + rng.random() * 0.02,
            "update": 0.038 + rng.random() * 0.004,
        }
        common = {
            "step": step,
            "learning_rate": 3e-4 * (1 - step / 60),
            "grad_norm": 1.4 + rng.random() * 0.3,
            "tokens": 2048,
            "skipped": False,
        }
        seconds = sum(breakdown.values()) + 0.006
        split.append({**common, "loss": loss + drift, "seconds": seconds, "breakdown": breakdown})
        reference.append({**common, "loss": loss, "seconds": 0.16 + rng.random() * 0.01})
    return split, reference


def _trace(split, fired):
    """Make the events of a run in which the named faults fire at the given steps."""
    now, events = 1.2, []

    def event(source, point, step=None, microbatch=None, **more):
        record = {"t": round(now, 4), "source": source, "point": point, "step": step, "microbatch": microbatch}
        events.append({**record, **more})

    for record in split:
        step, parts = record["step"], record["breakdown"]
        for microbatch in (0, 1):
            event("client", "client.forward.sent", step, microbatch)
            now += parts["bottom"] / 2
        event("trunk", "trunk.forward.received", step, 0)
        if step in fired:
            event("harness", "fault.injected", step, 0, fault=fired[step])
            now += (parts["forward_wait"] - 0.12) * 0.7
            event("harness", "fault.healed", step, 0, fault=fired[step])
            event("proxy", "proxy.connection.opened", step)
            now += (parts["forward_wait"] - 0.12) * 0.3
        now += 0.12 if step in fired else parts["forward_wait"]
        event("client", "client.forward.received", step, 1)
        now += parts["top"]
        event("client", "client.backward.sent", step, 1)
        now += parts["backward_wait"] / 2
        event("trunk", "trunk.backward.received", step, 1)
        now += parts["backward_wait"] / 2
        event("trunk", "trunk.commit.applied", step)
        now += parts["update"]
    return events


@pytest.fixture(scope="session")
def write_run():
    """Return a function that writes a run folder of one verdict and returns its path."""

    def write(folder, kind="PASS"):
        (folder / "logs").mkdir(parents=True)
        split, reference = _steps(kind)
        fired = {9: "cut-connection", 23: "kill-trunk"} if kind == "PASS" else {}
        _json(folder / "scenario.json", scenario(kind))
        _json(folder / "verdict.json", verdict(kind))
        _json(folder / "environment.json", ENVIRONMENT)
        _json(folder / "equivalence.json", equivalence(kind) if kind != "VOID" else {"rows": [], "ulp_histogram": {}})
        _json(folder / "bytes.json", TRAFFIC)
        _jsonl(folder / "split.jsonl", split)
        _jsonl(folder / "reference.jsonl", reference)
        _jsonl(folder / "trace.jsonl", _trace(split, fired))
        (folder / "logs" / "client.log").write_text(LOG)
        (folder / "logs" / "trunk.log").write_text("".join(f"line {number}\n" for number in range(1, 100)))
        return folder

    return write


GROUPS_OF = {
    "kill-client": "client killed",
    "kill-trunk": "trunk killed",
    "kill-client-and-trunk": "both killed",
    "drop": "connection",
    "partition-1s": "connection",
    "cut-upstream-9": "connection",
}


@pytest.fixture
def write_faulted(tmp_path, write_run):
    """Return a function that writes a run with faults, given as (kind, point, step), and returns its path.

    Those of `silent` are planned and never fire. `trace` replaces the events that show the others.
    """

    def write(name, *faults, verdict="PASS", silent=(), trace=None):
        folder = write_run(tmp_path / "runs" / name)
        planned = [
            {
                "name": f"{kind}@{point}.{step}",
                "kind": kind,
                "group": GROUPS_OF.get(kind, "other"),
                "at": {"point": point, "step": step},
            }
            for kind, point, step in (*faults, *silent)
        ]
        for file, changes in {
            "scenario.json": {"name": name, "title": f"The run {name}", "faults": planned},
            "verdict.json": {"verdict": verdict, "replay": f"harness run {name} --seed 0"},
        }.items():
            _json(folder / file, {**json.loads((folder / file).read_text()), **changes})
        _jsonl(folder / "trace.jsonl", _fired(faults) if trace is None else trace)
        return folder

    return write


def _fired(faults):
    """Make the events of faults that heal half a second after they fired, with progress a quarter of one later."""
    events = []
    for number, (kind, point, step) in enumerate(faults):
        fault = {"step": step, "fault": f"{kind}@{point}.{step}"}
        events += [
            {"t": number + 1.0, "source": "harness", "point": "fault.injected", **fault},
            {"t": number + 1.5, "source": "harness", "point": "fault.healed", **fault},
            {"t": number + 1.75, "source": "client", "point": "client.forward.received", "step": step},
        ]
    return events


@pytest.fixture(scope="session")
def page_of(tmp_path_factory, write_run):
    """Return a function that returns the page of the run of one verdict; each page is made once."""

    @functools.cache
    def page(kind="PASS"):
        return render_run(read_run(write_run(tmp_path_factory.mktemp("page") / "run", kind)))

    return page
