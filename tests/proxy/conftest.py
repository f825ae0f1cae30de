"""Servers of both kinds, started once, and benches on them."""

import pytest
from proxy_wires import bench_on

from harness.proxy.errors import BackendNotFoundError
from harness.proxy.server_process import find_backend, running_proxy_server

SEED = 20260101


@pytest.fixture(scope="session")
def real_client(tmp_path_factory):
    try:
        backend = find_backend("real")
    except BackendNotFoundError as error:
        pytest.skip(f"the real server's arm did not run: {error}")
    with running_proxy_server(backend, seed=SEED, log_path=tmp_path_factory.mktemp("real") / "log") as client:
        yield client


@pytest.fixture(scope="session")
def embedded_client(tmp_path_factory):
    backend = find_backend("embedded")
    with running_proxy_server(backend, seed=SEED, log_path=tmp_path_factory.mktemp("embedded") / "log") as client:
        yield client


@pytest.fixture(params=["embedded", "real"])
def client(request):
    return request.getfixturevalue(f"{request.param}_client")


@pytest.fixture
def bench(client):
    with bench_on(client) as bench:
        yield bench


@pytest.fixture
def embedded_bench(embedded_client):
    with bench_on(embedded_client) as bench:
        yield bench
