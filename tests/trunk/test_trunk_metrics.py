"""The metrics that a trunk exposes to Prometheus."""

import socket
import time
import urllib.request

import grpc
import pytest
import torch
from prometheus_client.parser import text_string_to_metric_families
from trunk.server import Trunk, hello_of, service_of

from splitlearn.errors import ConfigError
from splitlearn.probe import NullProbe
from splitlearn.trunk.metrics import TrunkMetrics
from splitlearn.wire.errors import WireError
from splitlearn.wire.trunk_link import Commit, Position


@pytest.fixture
def metrics():
    return TrunkMetrics(NullProbe())


@pytest.fixture
def trunk(config, metrics):
    served = Trunk(config, service_of(config, probe=metrics), meter=metrics)
    metrics.watch(served.service)
    yield served
    served.stop()


def figures(page):
    """Return every sample's value by its name and the values of its labels, in the order of the labels' names."""
    with urllib.request.urlopen(page, timeout=20) as answer:  # noqa: S310 - of this test
        families = [*text_string_to_metric_families(answer.read().decode())]
    return {
        (sample.name.removeprefix("splitlearn_trunk_"), *sample.labels.values()): sample.value
        for family in families
        for sample in family.samples
    }


def figures_with(page, sample):
    """Wait until a request is counted, which is when its answer has been sent."""
    give_up_at = time.monotonic() + 60
    while sample not in (found := figures(page)):
        assert time.monotonic() < give_up_at, found
    return found


def test_a_step_is_counted(config, trunk, metrics, hidden_BTH, mask_BT):
    link, at = trunk.link(), Position(0, 0, 1)
    with metrics.served("127.0.0.1", 0) as page:
        assert figures(page)["sessions",] == 0
        link.open(hello_of(config))
        link.forward(at, hidden_BTH, mask_BT, None).result()
        open_and_forward = figures(page)
        link.backward(at, torch.ones_like(hidden_BTH)).result()
        link.commit(Commit(0, 0.1, None, skip=False))
        with pytest.raises(WireError, match="STEP_IN_PAST"):
            link.forward(at, hidden_BTH, mask_BT, None).result()
        after = figures_with(page, ("requests_total", "OUT_OF_RANGE", "Compute"))
        link.close()
        assert figures(page)["sessions",] == 0

    assert (open_and_forward["sessions",], open_and_forward["steps_applied_total",]) == (1, 0)
    assert open_and_forward["pending_bytes",] > hidden_BTH.nbytes
    assert (after["pending_bytes",], after["steps_applied_total",]) == (0, 1)
    for method in ("OpenSession", "Compute", "Backward", "SyncTrainingState"):
        assert after["requests_total", "OK", method] == 1
    assert (after["compute_seconds_count", "forward"], after["compute_seconds_count", "backward"]) == (1, 1)
    assert 0 < after["compute_seconds_sum", "forward"] < 60
    assert after["process_resident_memory_bytes",] > 0


def test_names_that_a_stranger_invents_are_one_series(trunk, metrics):
    with grpc.insecure_channel(trunk.address) as channel, metrics.served("127.0.0.1", 0) as page:
        channel.unary_unary("/grpc.health.v1.Health/Check")(b"", timeout=20)
        for name in ("/invented/by.a.stranger", "/invented/again"):
            metrics.answered(name, "UNAUTHENTICATED")
        after = figures_with(page, ("requests_total", "OK", "other"))

    assert after["requests_total", "UNAUTHENTICATED", "other"] == 2


def test_an_address_that_is_taken_is_refused(metrics):
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        pytest.raises(ConfigError, match="choose another --metrics-port"),
        metrics.served("127.0.0.1", taken.getsockname()[1]),
    ):
        pass
