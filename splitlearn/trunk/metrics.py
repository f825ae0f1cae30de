"""A trunk's Prometheus metrics."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, start_http_server

from splitlearn.errors import ConfigError
from splitlearn.probe import Probe
from splitlearn.trunk.service import TrunkService
from splitlearn.wire.methods import METHODS

__all__ = ["TrunkMetrics"]

# In seconds: from a tiny model on a CPU to a large one.
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
NAMES = {method.path: method.name for method in METHODS.values()}
# Names of passes, by the points before and after them.
BEGINNINGS = {"trunk.compute.received": "forward", "trunk.backward.received": "backward"}
ENDS = {"trunk.compute.done": "forward", "trunk.backward.done": "backward"}


class TrunkMetrics:
    """Counts what the trunk does, as a `Probe` and as a `Meter` of requests.

    Args:
        probe: receives every point too.
    """

    def __init__(self, probe: Probe) -> None:
        self._probe = probe
        self._registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self._requests = Counter(
            "splitlearn_trunk_requests", "Requests answered, by status code", ["method", "code"], registry=registry
        )
        self._steps = Counter("splitlearn_trunk_steps_applied", "Steps whose end was applied", registry=registry)
        self._seconds = Histogram(
            "splitlearn_trunk_compute_seconds",
            "Time of a pass over one microbatch in the computing thread",
            ["direction"],
            buckets=BUCKETS,
            registry=registry,
        )
        self._began = 0.0

    def watch(self, service: TrunkService) -> None:
        """Expose the state of a service too."""
        sessions = Gauge("splitlearn_trunk_sessions", "Sessions that train", registry=self._registry)
        sessions.set_function(lambda: len(service.training_sessions))
        pending = Gauge(
            "splitlearn_trunk_pending_bytes", "Bytes kept of the steps in progress", registry=self._registry
        )
        pending.set_function(lambda: service.pending_nbytes)

    def point(self, name: str, step: int | None = None, microbatch: int | None = None, **fields: object) -> None:
        """Count a point's meaning, and pass the point on."""
        if name in BEGINNINGS:
            self._began = time.perf_counter()
        elif name in ENDS:
            self._seconds.labels(ENDS[name]).observe(time.perf_counter() - self._began)
        elif name == "trunk.commit.applied":
            self._steps.inc()
        self._probe.point(name, step, microbatch, **fields)

    def answered(self, method: str, code: str) -> None:
        """Count a request; methods of other services share one name, because anyone may invent names."""
        self._requests.labels(NAMES.get(method, "other"), code).inc()

    @contextmanager
    def served(self, host: str, port: int) -> Iterator[str]:
        """Serve `/metrics` over HTTP until the `with` block is left.

        Yields:
            The page's address.

        Raises:
            ConfigError: the address cannot be listened on.
        """
        try:
            server, thread = start_http_server(port, host, self._registry)
        except OSError as error:
            message = f"cannot serve metrics on {host}, port {port}: {error}; choose another --metrics-port"
            raise ConfigError(message) from None
        try:
            yield f"http://{host}:{server.server_port}/metrics"
        finally:
            server.shutdown()
            server.server_close()
            thread.join()
