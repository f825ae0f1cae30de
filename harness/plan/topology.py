"""Where the trunk is, from the client's point of view."""

from typing import Literal

__all__ = ["Topology"]

Topology = Literal["local", "direct", "proxy"]
