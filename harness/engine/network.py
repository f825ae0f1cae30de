"""The network between client and trunk, as faults see it."""

from harness.engine.observer import Observer
from harness.plan.faults.toxic import Stream, Toxic
from harness.plan.links import LinkProfile
from harness.proxy.client import ProxyHandle

__all__ = ["Network", "toxics_of"]


class Network:
    """The proxy of a run, and what a fault may do to it."""

    def __init__(self, proxy: ProxyHandle, observer: Observer) -> None:
        self._proxy = proxy
        self._observer = observer

    def disconnect(self) -> None:
        """Close every connection and refuse new ones."""
        self._proxy.disable()
        self._observer.note("proxy", "proxy.disabled")

    def reconnect(self) -> None:
        """Accept connections again."""
        self._proxy.enable()
        self._observer.note("proxy", "proxy.enabled")

    def add(self, toxic: Toxic) -> None:
        """Add a toxic to live connections."""
        self._proxy.add_toxic(toxic)
        self._observer.note("proxy", "proxy.toxic.added", toxic=toxic.name, type=toxic.type, stream=toxic.stream)

    def remove(self, toxic: Toxic) -> None:
        """Remove a toxic from live connections."""
        self._proxy.remove_toxic(toxic.name)
        self._observer.note("proxy", "proxy.toxic.removed", toxic=toxic.name)


def toxics_of(profile: LinkProfile) -> tuple[Toxic, ...]:
    """Return the toxics that give a proxy a link profile."""
    found: list[Toxic] = []
    for stream, delay, rate in _directions(profile):
        if delay:
            attributes = {"latency": delay, "jitter": profile.jitter_ms}
            found.append(Toxic("latency", stream, attributes, name=f"link_latency_{stream}"))
        if rate:
            found.append(Toxic("bandwidth", stream, {"rate": rate}, name=f"link_bandwidth_{stream}"))
    return tuple(found)


def _directions(profile: LinkProfile) -> tuple[tuple[Stream, int, int], tuple[Stream, int, int]]:
    return ("upstream", profile.up_delay_ms, profile.up_kbps), ("downstream", profile.down_delay_ms, profile.down_kbps)
