"""What leaves a common step on both disks, whatever dies and wherever."""

from harness.sim.ablations.ablation import Ablation, Part, Swap, nothing

__all__ = ["CHECKPOINTS"]

UNKNOWN = "not known yet"
KNOWN_STEPS = ("splitlearn.trunk.checkpoints:known_steps", "splitlearn.client.checkpoints:known_steps")
WRITERS = tuple(
    f"splitlearn.{module}:write_atomically"
    for module in ("checkpoint.store", "client.claim", "trunk.boot_count", "trunk.holders")
)
MEMORY_DISK = "splitlearn.runtime.simulated.memory_disk"


def _client_first(save: Part) -> Part:
    """Write the client's half before the trunk's, and its name for the trunk's half when that is known."""

    def replaced(self: Part, logbook: Part) -> None:
        self._checkpoints.save(self._step, self._applied, UNKNOWN)
        save(self, logbook)

    return replaced


def _in_place(_write: Part) -> Part:
    def replaced(disk: Part, path: Part, data: bytes, before_rename: Part = lambda: None) -> None:
        disk.write(path, data)
        before_rename()
        disk.sync_folder(path.parent)

    return replaced


def _keeps_step(open_again: Part) -> Part:
    def replaced(self: Part) -> None:
        step, new_step = self._step, self._new_step
        self._new_step = lambda: step
        try:
            open_again(self)
        finally:
            self._new_step = new_step

    return replaced


def _stays(restore: Part) -> Part:
    def replaced(self: Part, training: Part, step: int, trunk_weights: str) -> None:
        if step:
            restore(self, training, step, trunk_weights)

    return replaced


def _saves_anything(_save: Part) -> Part:
    return lambda _self, _key, held: held.checkpoints.save(held.session)


def _saves_again(save: Part) -> Part:
    def replaced(self: Part, session: Part) -> Part:
        self._saved = None
        return save(self, session)

    return replaced


CHECKPOINTS = (
    Ablation(
        "client-half-last",
        "a client's half means that the trunk's half is complete",
        (Swap("splitlearn.client.trainer:Trainer._save", _client_first),),
    ),
    Ablation(
        "two-halves",
        "each side keeps the half before the newest",
        tuple(Swap(target, lambda _known: lambda _before, step: (step,)) for target in KNOWN_STEPS),
    ),
    Ablation(
        "atomic-rename",
        "a file is replaced as a whole or not at all",
        tuple(Swap(target, _in_place) for target in WRITERS),
    ),
    Ablation(
        "file-sync",
        "a file's bytes are on the disk before it is renamed",
        (Swap(f"{MEMORY_DISK}:_File.sync", nothing),),
    ),
    Ablation(
        "folder-sync",
        "a file's name is on the disk before anyone is told of it",
        (Swap(f"{MEMORY_DISK}:MemoryDisk.sync_folder", nothing),),
    ),
    Ablation(
        "digests-of-a-half",
        "a half whose tensors were altered on the disk is not used",
        (Swap("splitlearn.checkpoint.half:CheckpointHalf.is_sound", lambda _sound: property(lambda _self: True)),),
    ),
    Ablation(
        "abandoned-step-dropped",
        "a client whose session was lost forgets its step in progress and the commit that the trunk never got",
        (Swap("splitlearn.client.trainer:Trainer._open_again", _keeps_step),),
    ),
    Ablation(
        "initial-weights-restored",
        "a client whose session was lost before the first checkpoint goes back to its initial weights",
        (Swap("splitlearn.client.checkpoints:ClientCheckpoints.restore", _stays),),
    ),
    Ablation(
        "save-names-its-step",
        "a request to save writes nothing if another step has been applied",
        (Swap("splitlearn.trunk.service:TrunkService._save", _saves_anything),),
        unseen="Covered by the commit that a request to save carries, which is refused first once another step was "
        "applied. It guards against a request without a commit, which tests of the trunk send.",
    ),
    Ablation(
        "save-once",
        "a repeated request to save writes nothing again",
        (Swap("splitlearn.trunk.checkpoints:TrunkCheckpoints.save", _saves_again),),
        unseen="Not needed for safety: the same half has the same bytes, and it is replaced as a whole. It saves "
        "writing it.",
    ),
)
