"""A disk that loses in a crash what a real one may lose."""

import errno
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["Choose", "MemoryDisk", "everything", "nothing"]

# Picks one of so many outcomes; 0 is the oldest.
Choose = Callable[[int], int]


def nothing(_outcomes: int) -> int:
    """Choose that all is lost that was not forced to the disk."""
    return 0


def everything(outcomes: int) -> int:
    """Choose that all has reached the disk, though nobody waited for it."""
    return outcomes - 1


class _File:
    """Bytes as they are read, and those that are on the disk for sure."""

    def __init__(self) -> None:
        self.data = b""
        self._synced = b""

    def sync(self) -> None:
        self._synced = self.data

    def crash(self, choose: Choose) -> None:
        """Keep the bytes for sure, or the newer ones up to anywhere."""
        if self.data != self._synced and choose(2):
            self._synced = self.data[: choose(len(self.data) + 1)]
        self.data = self._synced


class _Folder:
    """Names, and all that they were since they were last on the disk for sure; these come first, the newest last."""

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
        """Go back to what the names were at one moment since; below, to what is on the disk of that."""
        self._states = [self._states[choose(len(self._states))]]
        for node in self.names.values():
            node.crash(choose)


class MemoryDisk:
    """A file system in memory, for one thread.

    Args:
        before: called before every change, with its name and its path; may raise, and then nothing has been changed.
    """

    def __init__(self, before: Callable[[str, Path], None] = lambda _change, _path: None) -> None:
        self._before = before
        self._root = _Folder()

    def crash(self, choose: Choose = nothing) -> None:
        """Lose what was not forced to the disk.

        Args:
            choose: says of each file and folder what of it has reached the disk all the same. The changes of one folder
                reach it in their order, so that a rename is never half done.
        """
        self._root.crash(choose)

    def read(self, path: Path) -> bytes:
        """Return a file's bytes."""
        return self._file(path).data

    @contextmanager
    def as_file(self, path: Path) -> Iterator[Path]:
        """Provide a copy among the temporary files."""
        data = self.read(path)
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder) / path.name
            place.write_bytes(data)
            yield place

    def write(self, path: Path, data: bytes) -> None:
        """Write a whole file and force its bytes to the disk: three changes, before each of which it may crash."""
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

    def rename(self, path: Path, to: Path) -> None:
        """Give a file or folder another name in the same folder."""
        assert path.parent == to.parent, "a rename stays in its folder"
        node = self._node(path)
        self._before("rename", path)
        folder = self._folder(path.parent)
        folder.change({name: other for name, other in folder.names.items() if name != path.name} | {to.name: node})

    def remove(self, path: Path) -> None:
        """Remove a file, if it is there."""
        if self.exists(path):
            self._file(path)
            self._unlink("remove", path)

    def remove_folder(self, folder: Path) -> None:
        """Remove a folder and all that is in it, one after another."""
        for name in self._folder(folder).names:
            path = folder / name
            if isinstance(self._node(path), _Folder):
                self.remove_folder(path)
            else:
                self.remove(path)
        self._unlink("remove folder", folder)

    def make_folder(self, folder: Path) -> None:
        """Make a folder and those above it, one after another."""
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
        """Return the file that stands there, or an empty one that does from now on."""
        folder = self._folder(path.parent)
        if path.name not in folder.names:
            folder.change(folder.names | {path.name: _File()})
        return self._file(path)

    def _find(self, path: Path) -> _Folder | _File | None:
        node: _Folder | _File | None = self._root
        for name in Path("/", path).parts[1:]:
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
