"""The machine's clock, and the thread that repeats an action by it."""

import threading

from splitlearn.runtime.clock import SystemClock


def test_it_beats_until_the_block_is_left():
    beats = []
    twice = threading.Event()

    def beat():
        beats.append(threading.current_thread().name)
        if len(beats) == 2:
            twice.set()

    with SystemClock().repeating(beat, 0.001, "heartbeat"):
        assert twice.wait(30.0)
    assert "heartbeat" not in [thread.name for thread in threading.enumerate()]
    assert set(beats) == {"heartbeat"}


def test_a_beat_that_is_stuck_does_not_block_leaving():
    stuck, release = threading.Event(), threading.Event()

    def beat():
        stuck.set()
        release.wait(60.0)

    with SystemClock().repeating(beat, 0.001, "heartbeat"):
        assert stuck.wait(30.0)
    assert not release.is_set()
    release.set()
