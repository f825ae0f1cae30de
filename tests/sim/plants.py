"""Bugs of the system under test that take something from the machine behind the simulation's back."""

import json
import time
from dataclasses import asdict, replace

from splitlearn.checkpoint.half import CheckpointMark
from splitlearn.wire.reliable import ReliableCalls


def order_of_a_set():
    """A checkpoint's mark has its keys in the order of a set."""

    def text(self):
        values = asdict(self)
        return json.dumps({name: values[name] for name in set(values)})

    CheckpointMark.text = text


def wall_clock_in_a_pause():
    """Pauses between attempts are drawn from the machine's clock."""
    made = ReliableCalls.__init__

    def init(self, transport, policy, clock, on_failure):
        made(self, transport, replace(policy, first_delay=0.05 + time.time_ns() % 1000 / 1e6), clock, on_failure)

    ReliableCalls.__init__ = init
