"""The groups of faults that tables and figures show."""

from typing import Literal, get_args

__all__ = ["GROUPS", "KILLS", "OTHER", "Group"]

Group = Literal[
    "client killed", "trunk killed", "both killed", "stopped or paused", "connection", "network", "message",
    "altered bits", "other",
]  # fmt: skip
OTHER: Group = "other"
KILLS: tuple[Group, ...] = ("client killed", "trunk killed", "both killed")
GROUPS: tuple[Group, ...] = tuple(group for group in get_args(Group) if group != OTHER)
