"""One party's half of a checkpoint: its contents, its file, and the folder in which two of them are kept.

The trunk writes its half first. The client's half names the trunk's by fingerprint and is written last, so its
presence means that the checkpoint is complete.
"""

from splitlearn.checkpoint.half import CheckpointHalf
from splitlearn.checkpoint.store import CheckpointStore, known_steps

__all__ = ["CheckpointHalf", "CheckpointStore", "known_steps"]
