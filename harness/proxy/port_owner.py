"""Which process listens on a loopback port."""

from enum import Enum
from pathlib import Path

__all__ = ["PortState", "port_state"]

_TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
_LISTENING = "0A"


class PortState(Enum):
    """Who listens on a port."""

    FREE = "nobody"
    OWN = "the process asked about"
    FOREIGN = "another process"


def port_state(port: int, pid: int) -> PortState:
    """Tell whether process `pid` listens on `port`.

    Where the system has no /proc the answer is always OWN: then only a reply can tell.
    """
    if not _TABLES[0].exists():
        return PortState.OWN
    listeners = {inode for table in _TABLES if table.exists() for inode in _listening_inodes(table, port)}
    if not listeners:
        return PortState.FREE
    return PortState.OWN if listeners & _sockets_of(pid) else PortState.FOREIGN


def _listening_inodes(table: Path, port: int) -> set[str]:
    rows = (line.split() for line in table.read_text().splitlines()[1:])
    return {row[9] for row in rows if row[3] == _LISTENING and int(row[1].rpartition(":")[2], 16) == port}


def _sockets_of(pid: int) -> set[str]:
    try:
        targets = [str(entry.readlink()) for entry in Path(f"/proc/{pid}/fd").iterdir()]
    except FileNotFoundError:  # the process ended, or closed a file, while we looked
        return set()
    return {target[len("socket:[") : -1] for target in targets if target.startswith("socket:[")}
