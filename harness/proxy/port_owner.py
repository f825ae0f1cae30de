"""Which process listens on a loopback port."""

import socket
from enum import Enum

import psutil

__all__ = ["PortState", "port_state"]

_HOST = "127.0.0.1"
_CONNECT_S = 1.0


class PortState(Enum):
    """Who listens on a port."""

    FREE = "nobody"
    OWN = "the process asked about"
    FOREIGN = "another process"


def port_state(port: int, pid: int) -> PortState:
    """Return whether process `pid`, a child of this one, listens on `port`."""
    # In this order, a process that begins to listen meanwhile is never mistaken for another.
    if not _answers(port):
        return PortState.FREE
    return PortState.OWN if _listens(pid, port) else PortState.FOREIGN


def _answers(port: int) -> bool:
    try:
        socket.create_connection((_HOST, port), _CONNECT_S).close()
    except OSError:
        return False
    return True


def _listens(pid: int, port: int) -> bool:
    try:
        connections = psutil.Process(pid).net_connections("tcp")
    except psutil.Error:  # it has ended
        return False
    return any(each.status == psutil.CONN_LISTEN and each.laddr.port == port for each in connections)
