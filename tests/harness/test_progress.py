"""A run's progress bar, and logs whose last lines omit the program's own progress bars."""

import io
import re
from contextlib import closing

from harness.commands.progress import RunProgress
from harness.plan.catalogue import SMALL
from harness.plan.scenario import Scenario
from harness.processes.program import Program
from harness.trace.event import Event


class Terminal(io.StringIO):
    def isatty(self):
        return True


def event(point, step, party="client", **fields):
    return Event(0, 0.0, "client", party, point, step, None, fields)


def test_the_bar_goes_back_with_the_run(monkeypatch):
    shown = Terminal()
    monkeypatch.setattr("sys.stderr", shown)
    with closing(RunProgress(Scenario("killed", "A run", SMALL.but(max_steps=6)))) as progress:
        for step in (0, 1, 2, 3, 2, 3, 4, 5):  # it continues from the checkpoint after step 2
            progress.take(event("client.step.started", step))
            progress.take(event("client.commit.applied", step, loss="2.5"))
            progress.take(event("client.commit.applied", step + 6, party="client-2", loss="2.5"))
    assert "6" == re.findall(r"(\d+)/6", shown.getvalue())[-1]


def test_faults_and_adversaries_are_told(capsys):
    with closing(RunProgress(Scenario("attacked", "A run", SMALL))) as progress:
        for point, field in (("fault.injected", "fault"), ("fault.healed", "fault"), ("adversary.began", "adversary")):
            progress.take(event(point, None, **{field: f"a {field}"}))
        progress.take(event("adversary.ended", None, adversary="an adversary"))
    told = [line.split(" s  ")[1] for line in capsys.readouterr().err.splitlines()]
    assert [
        "fault.injected: a fault",
        "fault.healed: a fault",
        "adversary.began: a adversary",
        "adversary.ended: an adversary",
    ] == told


LOG = (
    "2026-01-01 INFO starts\n"
    "\r  0%|          | 0/6 [00:00<?, ?step/s]\r 17%|█▋        | 1/6 [00:01<00:05,  1.01s/step, loss=5.4]"
    "\r                              \r2026-01-01 WARNING the trunk does not answer\n"
    "\r 33%|███▎      | 2/6 [00:02<00:04,  1.01s/step, loss=5.3]splitlearn train: gave up\n"
    "3step [00:01,  2.95step/s, loss=5.1]\n"
    "\r 50%|█████     | 3/6 [00:03<00:03,  1.01s/step, loss=5.2]"
)


def test_the_last_lines_of_a_log_are_its_lines_and_not_its_bar(tmp_path):
    (tmp_path / "client.log").write_text(LOG)
    assert [
        "  2026-01-01 INFO starts",
        "  2026-01-01 WARNING the trunk does not answer",
        "  splitlearn train: gave up",
    ] == Program("client", 1, tmp_path / "client.log").last_lines().splitlines()
