"""Recordings made by hand, of runs that ended in any way."""

import json

DIVERGENCE = {
    "step": 2, "microbatch": 1, "stage": "trunk", "tensor": "features", "index": [0, 3, 5],
    "split": 0.5, "reference": 0.25, "rung": "local",
}  # fmt: skip
TRACEBACK = "Traceback (most recent call last):\n  …\nharness.errors.HarnessError: the reference failed\n"


def record_run(folder, word, name="a-run", replay="harness run a-run --seed 0"):
    """Write a run that ended with a verdict, or with an ERROR of the harness; returns its folder."""
    folder.mkdir(parents=True)
    faults = check("faults", "VOID", "drop did not fire") if word == "VOID" else check("faults", "PASS", "fired")
    error = [{**check("harness", "VOID", "HarnessError: the reference failed"), "traceback": TRACEBACK}]
    checks = error if word == "ERROR" else [check("completion", "PASS", "done"), equivalence(word), faults]
    verdict = {"verdict": "VOID" if word == "ERROR" else word, "checks": checks, "replay": replay, "seconds": 1.5}
    write(folder / "verdict.json", verdict)
    write(folder / "scenario.json", {"name": name, "title": "A run"})
    if word == "FAIL":
        rungs = [{"rung": "local", "verdict": "FAIL", "folder": "rungs/local"}]
        write(folder / "equivalence.json", {"first_divergence": DIVERGENCE, "ladder": rungs})
    return folder


def equivalence(word):
    findings = [{"message": "first divergence: features of the trunk"}] if word == "FAIL" else []
    found = check("equivalence", "FAIL" if findings else "PASS", "7 of 7 tensors", findings)
    return {**found, "figures": {"tensors": 7, "worst ulp": 0}}


def check(name, verdict, summary, findings=()):
    return {"name": name, "verdict": verdict, "summary": summary, "findings": list(findings)}


def write(path, values):
    path.write_text(json.dumps(values))
