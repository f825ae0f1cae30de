"""Which client may write a session's files: the one that opened the session last."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from splitlearn.errors import CheckpointError
from splitlearn.runtime import Runtime
from splitlearn.runtime.durable import make_folder, write_atomically

__all__ = ["Claim"]

LOCK_SECONDS = 30.0


class Claim:
    """A client's right to write into the session's folder, until another client makes its own.

    The trunk refuses requests of a superseded client. But such a client, paused between the trunk's half of a
    checkpoint and its own, would otherwise still write its half, and remove its successor's.
    """

    def __init__(self, folder: Path, runtime: Runtime) -> None:
        self._folder = folder
        self._disk = runtime.disk
        self._locks = runtime.locks
        self._name = f"{runtime.entropy.bits(64):016x}"

    def current(self) -> str:
        """Return the name of the client whose claim it is; empty if nobody has made one."""
        return self._disk.read(self._path).decode(errors="replace") if self._disk.exists(self._path) else ""

    def make(self, former: str) -> bool:
        """Claim the folder, unless a claim other than the former has been made meanwhile; return whether it succeeded.

        A client that was paused since it opened the session must not take its successor's claim away.
        """
        with self._locked():
            if self.current() != former:
                return False
            write_atomically(self._disk, self._path, self._name.encode())
            return True

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the right to write within the `with` block; raises `CheckpointError` if another client has the claim."""
        with self._locked():
            if self.current() != self._name:
                raise CheckpointError(
                    f"another client has taken the session over, whose files are in {self._folder}; this one stops and "
                    "leaves them alone. End the other one, then continue with --resume"
                )
            yield

    @contextmanager
    def _locked(self) -> Iterator[None]:
        make_folder(self._disk, self._folder)
        try:
            lock = self._locks.hold_file(self._folder / "claim.lock", LOCK_SECONDS)
        except TimeoutError:
            message = f"another client is still writing into {self._folder}; end it first"
            raise CheckpointError(message) from None
        with lock:
            yield

    @property
    def _path(self) -> Path:
        return self._folder / "claim"
