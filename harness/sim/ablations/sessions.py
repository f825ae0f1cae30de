"""What decides who may speak for a session."""

from pkgutil import resolve_name

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
        unseen="Not needed for safety: both go back to the newest common checkpoint. It saves repeating the steps "
        "since.",
    ),
    Ablation(
        "heartbeat",
        "a client that computes for long keeps its place",
        (Swap("splitlearn.wire.heartbeat:Heartbeat.beat", nothing),),
        unseen="Not exercised: no simulated client computes for longer than the trunk waits. It saves repeating steps: "
        "a client that has lost its place comes back.",
    ),
    Ablation(
        "claim",
        "a client that was superseded while paused writes nothing more on its disk",
        (
            Swap("splitlearn.client.claim:Claim.make", lambda _make: lambda _self, _former: True),
            Swap("splitlearn.client.claim:Claim.held", lambda _held: lambda self: self._locked()),
        ),
        unseen="Not exercised: of the clients of one session, only one lives at a time in the simulated world. Tests "
        "of the client and a scenario with real processes let two compete.",
    ),
)
