"""Entropy for unique names and incarnations."""

import os
import re
import secrets
import socket
from typing import Protocol

__all__ = ["Entropy", "SystemEntropy"]


class Entropy(Protocol):
    """A source of random bits. Not for what a model draws: that follows from the seed."""

    def bits(self, count: int) -> int:
        """Return `count` random bits as a number."""

    def unique_name(self) -> str:
        """Return a name that nobody else has, of letters, digits, `.` and `-`."""


class SystemEntropy:
    """The machine's source of secrets."""

    def bits(self, count: int) -> int:
        """Return `count` random bits as a number."""
        return secrets.randbits(count)

    def unique_name(self) -> str:
        """Return a name by which people find the process: host, process ID and random bits."""
        host = re.sub(r"[^A-Za-z0-9.-]", "-", socket.gethostname())[:32]
        return f"{host}-{os.getpid()}-{secrets.token_hex(8)}"
