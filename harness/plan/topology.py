"""Where the trunk stands, as the client sees it."""

from typing import Literal

__all__ = ["Topology"]

Topology = Literal["local", "direct", "proxy"]
