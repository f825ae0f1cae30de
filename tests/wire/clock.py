"""A clock for tests of what takes long."""

from splitlearn.runtime.simulated import ManualClock


class NotingClock(ManualClock):
    """Notes every pause that was asked for."""

    def __init__(self):
        super().__init__(1000.0)
        self.pauses = []

    def sleep(self, seconds):
        """Let time pass."""
        self.pauses.append(seconds)
        super().sleep(seconds)
