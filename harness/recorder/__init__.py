"""Lets any torch training loop write a recording, which `harness judge` compares with another one.

The format is defined in docs/recording.md.
"""

from harness.recorder.recorder import Recorder, StepRecorder

__all__ = ["Recorder", "StepRecorder"]
