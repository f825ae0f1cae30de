"""Kinds of faults, in the groups that tables and figures show."""

__all__ = ["GROUPS", "KILLS", "OTHER", "group_of", "kind_of"]

CLIENT, TRUNK, BOTH = "client killed", "trunk killed", "both killed"
STOPPED, CONNECTION, NETWORK, MESSAGE = "stopped or paused", "connection", "ill network", "message"
OTHER = "other"
KILLS = (CLIENT, TRUNK, BOTH)
GROUPS = (*KILLS, STOPPED, CONNECTION, NETWORK, MESSAGE)

# How the kinds of a group begin; where one is the beginning of another, the longer stands first.
BEGINNINGS = {
    "kill-client-and-trunk": BOTH,
    "kill-client": CLIENT,
    "kill-trunk": TRUNK,
    "restart-": STOPPED,
    "pause-": STOPPED,
    "drop": CONNECTION,
    "partition-": CONNECTION,
    "cut-": CONNECTION,
    "half-open-": NETWORK,
    "reset-": NETWORK,
    "delay-spike-": NETWORK,
    "bandwidth-collapse-": NETWORK,
    "slow-close-": NETWORK,
    "lose-": MESSAGE,
    "duplicate-": MESSAGE,
    "late-": MESSAGE,
    "corrupt-": MESSAGE,
}


def kind_of(fault: str) -> str:
    """Give what a fault does from its name, which goes on with where: kill-trunk of kill-trunk@trunk.compute.done."""
    return fault.partition("@")[0]


def group_of(kind: str) -> str:
    """Give the group of a kind; `OTHER` for one that is not known here."""
    return next((group for beginning, group in BEGINNINGS.items() if kind.startswith(beginning)), OTHER)
