"""What can break: each fault is a value; a scenario has any number of them."""

from harness.plan.faults.bit_rot import HALVES, BitRot, WhichHalf
from harness.plan.faults.blackhole import Blackhole
from harness.plan.faults.connections import CutMessage, DropConnection, Partition
from harness.plan.faults.effects import PARTIES, PartyName
from harness.plan.faults.fault import SHARED_MARKS, Fault
from harness.plan.faults.flips import FlippedStream
from harness.plan.faults.machines import DISK_FAILURES, DiskFailure, DiskFault, PowerLoss
from harness.plan.faults.messages import MESSAGE_FAILURES, MessageFailure, MessageFault
from harness.plan.faults.network import NETWORK_FAILURES, NetworkFailure, NetworkFault
from harness.plan.faults.other_clients import HARMS, Harm, OtherClientFault
from harness.plan.faults.overtaking import OvertakenRequest
from harness.plan.faults.processes import VICTIMS, Absence, Kill, Pause, Restart, Victims
from harness.plan.faults.takeover import TakeOver

__all__ = [
    "DISK_FAILURES",
    "HALVES",
    "HARMS",
    "MESSAGE_FAILURES",
    "NETWORK_FAILURES",
    "PARTIES",
    "SHARED_MARKS",
    "VICTIMS",
    "Absence",
    "BitRot",
    "Blackhole",
    "CutMessage",
    "DiskFailure",
    "DiskFault",
    "DropConnection",
    "Fault",
    "FlippedStream",
    "Harm",
    "Kill",
    "MessageFailure",
    "MessageFault",
    "NetworkFailure",
    "NetworkFault",
    "OtherClientFault",
    "OvertakenRequest",
    "Partition",
    "PartyName",
    "Pause",
    "PowerLoss",
    "Restart",
    "TakeOver",
    "Victims",
    "WhichHalf",
]
