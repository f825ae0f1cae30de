"""A clock for tests of long waits."""

from splitlearn.runtime.simulated import ManualClock


class NotingClock(ManualClock):
    """Records every pause."""

    def __init__(self):
        super().__init__(1000.0)
        self.pauses = []

    def sleep(self, seconds):
        """Let time pass."""
        self.pauses.append(seconds)
        super().sleep(seconds)
