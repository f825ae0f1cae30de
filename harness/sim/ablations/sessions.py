"""What decides who may speak for a session."""

from pkgutil import resolve_name
from unittest.mock import patch

from harness.sim.ablations.ablation import Ablation, Part, Swap, nothing

__all__ = ["SESSIONS"]

HOLDERS = "splitlearn.trunk.holders:Holders"
MEMORY = "_in_memory"


def _heeds_everyone(get: Part) -> Part:
    def replaced(self: Part, name: str, incarnation: int) -> Part:
        held = self._open.get(name)
        return get(self, name, held.welcome.incarnation if held else incarnation)

    return replaced


def _noted_in_memory(_note: Part) -> Part:
    def replaced(self: Part, session: str, holder: Part) -> None:
        self.__dict__.setdefault(MEMORY, {})[session] = holder

    return replaced


def _read_from_memory(_read: Part) -> Part:
    nobody = resolve_name("splitlearn.trunk.holders:NOBODY")
    return lambda self, session: self.__dict__.get(MEMORY, {}).get(session, nobody)


def _lists_once(open_session: Part) -> Part:
    def replaced(self: Part, offered: Part, *, take_over: bool = False) -> Part:
        known, steps = self._checkpoints.steps(), offered()
        with patch.object(self._checkpoints, "steps", lambda: known):
            return open_session(self, lambda: steps, take_over=take_over)

    return replaced


def _announces_nothing(stopping: Part) -> Part:
    return property(lambda _self: False, stopping.fset)


SESSIONS = (
    Ablation(
        "fencing",
        "only a session's newest incarnation is heeded",
        (Swap("splitlearn.trunk.sessions:Sessions.get", _heeds_everyone),),
    ),
    Ablation(
        "compare-and-swap",
        "a session is opened only by a client that names the incarnation before",
        (Swap(f"{HOLDERS}.check", nothing),),
    ),
    Ablation(
        "holder-on-disk",
        "a restarted trunk knows who opened a session last",
        (Swap(f"{HOLDERS}.note", _noted_in_memory), Swap(f"{HOLDERS}._read", _read_from_memory)),
    ),
    Ablation(
        "boot-count",
        "incarnations of a restarted trunk are higher than all before",
        (Swap("splitlearn.trunk.boot_count:_read", lambda _read: lambda _disk, _path: 0),),
    ),
    Ablation(
        "opening-answered-from-memory",
        "a repeated request to open gets the first answer and does not open again",
        (Swap("splitlearn.trunk.sessions:Sessions.answered", nothing),),
        unseen="Not needed for safety: the compare-and-swap refuses the repetition, and the client asks again in the "
        "name of its own incarnation. It saves a round trip and loading the model again.",
    ),
    Ablation(
        "stopping-announced",
        "a trunk that is about to stop lets its clients save first",
        (Swap("splitlearn.trunk.service:TrunkService.stopping", _announces_nothing),),
    ),
    Ablation(
        "heartbeat",
        "a client that computes for long keeps its place",
        (Swap("splitlearn.wire.heartbeat:Heartbeat.beat", nothing),),
    ),
    Ablation(
        "idle-closing",
        "the place of a client that is gone is given up",
        (Swap("splitlearn.trunk.admission:Admission.close_idle", nothing),),
        unseen="Not needed for safety: whoever continues a session takes it over from a client that is gone. It makes "
        "room for other sessions; tests of the trunk and a scenario fill it.",
    ),
    Ablation(
        "claim",
        "a client that was superseded while paused writes nothing more on its disk",
        (
            Swap("splitlearn.client.claim:Claim.make", lambda _make: lambda _self, _former: True),
            Swap("splitlearn.client.claim:Claim.held", lambda _held: lambda self: self._locked()),
        ),
    ),
    Ablation(
        "checkpoints-listed-again",
        "a client that opened the session while another one saved opens it again, at what was saved",
        (Swap("splitlearn.client.session:ClientSession.open", _lists_once),),
    ),
)
