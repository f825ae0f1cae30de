"""What can break: each fault is a value; a scenario has any number of them."""

from harness.faults.connections import CutMessage, DropConnection, Partition
from harness.faults.fault import SHARED_MARKS, Fault
from harness.faults.messages import MISHAPS, Mishap, SpoiledMessage
from harness.faults.processes import PARTIES, VICTIMS, Kill, PartyName, Pause, Restart, Victims
from harness.faults.toxics import ILLNESSES, Illness, IllNetwork

__all__ = [
    "ILLNESSES",
    "MISHAPS",
    "PARTIES",
    "SHARED_MARKS",
    "VICTIMS",
    "CutMessage",
    "DropConnection",
    "Fault",
    "IllNetwork",
    "Illness",
    "Kill",
    "Mishap",
    "Partition",
    "PartyName",
    "Pause",
    "Restart",
    "SpoiledMessage",
    "Victims",
    "ends",
    "needs_relay",
]


def needs_relay(fault: Fault) -> bool:
    """Whether a fault treats single messages badly, which a proxy of bytes cannot."""
    return isinstance(fault, SpoiledMessage)


def ends(fault: Fault, party: str) -> bool:
    """Whether a fault ends a party's program, to start it again."""
    if isinstance(fault, Kill):
        return party in fault.victims
    return (isinstance(fault, Restart) and party == fault.victim) or (
        isinstance(fault, SpoiledMessage) and fault.mishap == "late" and party == "client"
    )
