"""The schedule changes no bit, however many microbatches a step has, and bounds what client and trunk keep."""

import pytest
from exactness.cut import batches_of, train_split
from exactness.uncut import difference, train_uncut
from properties.in_process import InProcess

from splitlearn.config import TrainingConfig
from splitlearn.trunk.tape import Tape
from splitlearn.wire.unfinished import Unfinished

SHORT = TrainingConfig(
    model="nano", cuts="1:2", vocab_size=300, batch_size=1, gradient_accumulation_steps=12, max_steps=2, max_length=8
)


@pytest.mark.parametrize("window", [1, 2, 3, 8])
def test_few_at_a_time(config, window):
    batches = batches_of(steps=3, microbatches=5, rows=2)
    expected = train_uncut(config, batches)

    assert difference(expected, train_split(config.but(schedule="1f1b", window=window), batches)) == ""


def test_more_microbatches_than_may_be_in_flight(config):
    few = config.but(schedule="1f1b", gradient_accumulation_steps=150)
    batches = batches_of(steps=2, microbatches=150, rows=1)

    assert difference(train_uncut(few, batches), train_split(few, batches)) == ""


@pytest.mark.parametrize(("schedule", "most"), [("afab", 12), ("1f1b", 3)])
def test_the_most_that_the_trunk_and_the_client_keep(monkeypatch, tmp_path, schedule, most):
    kept = {"trunk": 0, "client": 0}
    put, keep = Tape.put, Unfinished.keep

    def watched_put(self, *entry, **more):
        put(self, *entry, **more)
        kept["trunk"] = max(kept["trunk"], len(self.entries))

    def watched_keep(self, *request):
        keep(self, *request)
        kept["client"] = max(kept["client"], len(self._requests))

    monkeypatch.setattr(Tape, "put", watched_put)
    monkeypatch.setattr(Unfinished, "keep", watched_keep)
    InProcess()(SHORT.but(schedule=schedule, window=3), tmp_path)

    assert {"trunk": most, "client": most} == kept
