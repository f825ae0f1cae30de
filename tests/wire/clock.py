"""A clock for tests of what takes long."""


class FakeClock:
    """Time that passes only while somebody sleeps."""

    def __init__(self):
        self.time = 1000.0
        self.slept = []

    def now(self):
        """Return the time."""
        return self.time

    def sleep(self, seconds):
        """Let time pass."""
        self.slept.append(seconds)
        self.time += seconds
