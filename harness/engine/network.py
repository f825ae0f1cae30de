"""The network between client and trunk, as faults see it."""

from harness.engine.observer import Observer
from harness.plan.faults.toxic import Toxic
from harness.proxy.client import ProxyHandle

__all__ = ["Network"]


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
