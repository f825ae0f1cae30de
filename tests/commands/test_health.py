"""`splitlearn health`, the probe of deployments."""

import socket


def test_a_trunk_that_serves_is_healthy(start_trunk, splitlearn, small_model):
    trunk = start_trunk(f"--model={small_model()}")
    assert splitlearn("health", f"--trunk-address={trunk.address}") == (0, f"{trunk.address} serves\n", "")


def test_where_nobody_listens_nothing_is_healthy(splitlearn):
    with socket.socket() as taken:  # bound and not listening: nobody else can serve there
        taken.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        status, out, err = splitlearn("health", f"--trunk-address={address}", "--timeout=0.2")
    assert (status, out) == (1, "")
    assert f"{address} does not serve" in err


def test_help_shows_what_the_probe_uses_and_nothing_else(splitlearn):
    status, out, _ = splitlearn("health", "--help")
    assert status == 0
    assert "--tls-ca" in out
    assert "--learning-rate" not in out
