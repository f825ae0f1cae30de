"""A run's metrics as a table and as curves."""

import builtins
import csv
import math

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from splitlearn.client.metrics import Spared, table, tensorboard
from splitlearn.client.report import StepReport
from splitlearn.errors import ConfigError


def report_of(step, loss=2.5):
    return StepReport(step, loss, 0.1, 1.0, 30, 40, not math.isfinite(loss), 0.5, {"top": 0.1})


@pytest.mark.parametrize("torn", ["", "1,2."])
def test_a_table_has_a_row_a_step_and_goes_on_where_it_is(tmp_path, torn):
    path = tmp_path / "below" / "metrics.csv"
    with table(path) as sink:
        sink.enter(report_of(0))
    with path.open("a") as file:
        file.write(torn)
    with table(path) as sink:
        sink.enter(report_of(1, math.nan))

    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [("0", "2.5", "30", "False"), ("1", "nan", "30", "True")] == [
        (row["step"], row["loss"], row["tokens"], row["skipped"]) for row in rows
    ]


def test_curves_have_the_usual_tags_and_a_gap_where_nothing_is_finite(tmp_path):
    with tensorboard(tmp_path) as sink:
        for step, loss in enumerate((3.0, math.nan, 2.0)):
            sink.enter(report_of(step, loss))

    board = EventAccumulator(str(tmp_path)).Reload()
    tags = {"train/loss", "train/learning_rate", "train/grad_norm", "train/skipped", "train/tokens_per_second"}
    assert tags == set(board.Tags()["scalars"])
    assert [(1, 3.0), (3, 2.0)] == [(event.step, event.value) for event in board.Scalars("train/loss")]
    assert [0.0, 1.0, 0.0] == [event.value for event in board.Scalars("train/skipped")]


def test_where_it_is_not_installed_the_user_is_told_what_to_install(tmp_path, monkeypatch):
    imported = builtins.__import__

    def without(name, *arguments, **more):
        if name.startswith("torch.utils.tensorboard"):
            raise ImportError(name)
        return imported(name, *arguments, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ConfigError, match=r"pip install 'splitlearn\[tensorboard\]'"), tensorboard(tmp_path):
        pass


@pytest.mark.parametrize("content", [b'{"precious": true}', b"a,b\n1,2\n", b"\n"])
def test_a_file_of_something_else_is_refused_and_left_as_it_is(tmp_path, content):
    path = tmp_path / "precious"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match="it is not a table of metrics"), table(path):
        pass
    assert path.read_bytes() == content


def test_what_is_no_file_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="it is no file"), table(tmp_path):
        pass


def test_a_full_disk_is_reported_once_and_the_rest_is_left_out(caplog):
    class Full:
        tried = 0

        def enter(self, _report):
            self.tried += 1
            raise OSError(28, "No space left on device")

    full = Full()
    sink = Spared(full, "metrics.csv")
    for step in range(3):
        sink.enter(report_of(step))

    assert full.tried == 1
    assert [record.getMessage() for record in caplog.records] == [
        "metrics.csv gets no more metrics from step 0 on: [Errno 28] No space left on device; the training continues"
    ]
