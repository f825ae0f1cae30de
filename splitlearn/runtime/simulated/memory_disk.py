"""A disk in memory that loses in a crash whatever a real one may lose."""

import errno
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["Choose", "MemoryDisk", "everything", "nothing"]

# Takes the number of possible outcomes and returns one, from 0; outcome 0 is the oldest state.
Choose = Callable[[int], int]


def nothing(_outcomes: int) -> int:
    """Choose the outcome in which everything unsynced is lost."""
    return 0


def everything(outcomes: int) -> int:
    """Choose the outcome in which everything has reached the disk, synced or not."""
    return outcomes - 1


class _File:
    """A file's current bytes, and those last synced."""

    def __init__(self) -> None:
        self.data = b""
        self._synced = b""

    def sync(self) -> None:
        self._synced = self.data

    def alter(self, data: bytes) -> None:
        """Have other bytes at rest, without anyone having written them."""
        self.data = self._synced = data

    def crash(self, choose: Choose) -> None:
        """Keep the synced bytes or a prefix of the newer ones; what was only appended to loses nothing synced."""
        if self.data != self._synced and choose(2):
            least = len(self._synced) if self.data.startswith(self._synced) else 0
            self._synced = self.data[: least + choose(len(self.data) - least + 1)]
        self.data = self._synced


class _Folder:
    """The states of a folder's names: the last synced one first, then every change since, the current one last."""

    def __init__(self) -> None:
        self._states: list[dict[str, _Folder | _File]] = [{}]

    @property
    def names(self) -> "dict[str, _Folder | _File]":
        return self._states[-1]

    def change(self, names: "dict[str, _Folder | _File]") -> None:
        self._states.append(names)

    def sync(self) -> None:
        self._states = [self.names]

    def crash(self, choose: Choose) -> None:
        """Go back to one of the states since the last sync; files and folders in it crash likewise."""
        self._states = [self._states[choose(len(self._states))]]
        for node in self.names.values():
            node.crash(choose)


class MemoryDisk:
    """A file system in memory, for one thread.

    Args:
        before: called with the name and path of every change before it happens; if it raises, nothing has changed.
    """

    def __init__(self, before: Callable[[str, Path], None] = lambda _change, _path: None) -> None:
        self._before = before
        self._root = _Folder()

    def crash(self, choose: Choose = nothing) -> None:
        """Lose what was not synced.

        Args:
            choose: decides for each file and folder how much of what was not synced has reached the disk anyway. The
                changes of one folder reach it in order, so that a rename is never half done.
        """
        self._root.crash(choose)

    def alter(self, path: Path, data: bytes) -> None:
        """Let a file at rest have other bytes than were written, as if its medium had decayed."""
        self._file(path).alter(data)

    def read(self, path: Path) -> bytes:
        """Return a file's bytes."""
        return self._file(path).data

    @contextmanager
    def as_file(self, path: Path) -> Iterator[Path]:
        """Provide a temporary copy."""
        data = self.read(path)
        with tempfile.NamedTemporaryFile(suffix=path.name) as file:
            file.write(data)
            file.flush()
            yield Path(file.name)

    def write(self, path: Path, data: bytes) -> None:
        """Write a whole file and sync its bytes: three changes, with a possible crash before each."""
        self._before("create", path)
        file = self._new_file(path)
        file.data = b""
        self._before("write", path)
        file.data = data
        self._before("sync", path)
        file.sync()

    @contextmanager
    def append_lines(self, path: Path) -> Iterator[Callable[[bytes], None]]:
        """Open a file for appending lines."""
        self._before("open", path)
        file = self._new_file(path)
        file.data = file.data[: file.data.rfind(b"\n") + 1]

        def add(data: bytes) -> None:
            self._before("append", path)
            file.data += data

        yield add

    def sync_file(self, path: Path) -> None:
        """Sync the bytes of a file."""
        file = self._file(path)
        self._before("sync", path)
        file.sync()

    def rename(self, path: Path, to: Path) -> None:
        """Rename a file or folder within its folder."""
        assert path.parent == to.parent, "a rename stays in its folder"
        node = self._node(path)
        self._before("rename", path)
        folder = self._folder(path.parent)
        folder.change({name: other for name, other in folder.names.items() if name != path.name} | {to.name: node})

    def remove(self, path: Path) -> None:
        """Remove a file, if it exists."""
        if self.exists(path):
            self._file(path)
            self._unlink("remove", path)

    def remove_folder(self, folder: Path) -> None:
        """Remove a folder and everything in it, one entry at a time."""
        for name in self._folder(folder).names:
            path = folder / name
            if isinstance(self._node(path), _Folder):
                self.remove_folder(path)
            else:
                self.remove(path)
        self._unlink("remove folder", folder)

    def make_folder(self, folder: Path) -> None:
        """Make a folder and its missing parents, one at a time."""
        for place in (*reversed(folder.parents), folder):
            if not self.exists(place):
                self._before("make folder", place)
                parent = self._folder(place.parent)
                parent.change(parent.names | {place.name: _Folder()})

    def sync_folder(self, folder: Path) -> None:
        """Sync the names in a folder."""
        self._before("sync folder", folder)
        self._folder(folder).sync()

    def exists(self, path: Path) -> bool:
        """Return whether there is a file or folder of that name."""
        return self._find(path) is not None

    def names(self, folder: Path) -> list[str]:
        """List a folder's entries."""
        node = self._find(folder)
        return list(node.names) if isinstance(node, _Folder) else []

    def _unlink(self, change: str, path: Path) -> None:
        self._before(change, path)
        folder = self._folder(path.parent)
        folder.change({name: node for name, node in folder.names.items() if name != path.name})

    def _new_file(self, path: Path) -> _File:
        """Return the file at a path; create it if it does not exist."""
        folder = self._folder(path.parent)
        if path.name not in folder.names:
            folder.change(folder.names | {path.name: _File()})
        return self._file(path)

    def _find(self, path: Path) -> _Folder | _File | None:
        node: _Folder | _File | None = self._root
        for name in path.parts[path.is_absolute() :]:
            node = node.names.get(name) if isinstance(node, _Folder) else None
        return node

    def _node(self, path: Path) -> _Folder | _File:
        node = self._find(path)
        if node is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
        return node

    def _file(self, path: Path) -> _File:
        node = self._node(path)
        if isinstance(node, _Folder):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        return node

    def _folder(self, path: Path) -> _Folder:
        node = self._node(path)
        if isinstance(node, _File):
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(path))
        return node
