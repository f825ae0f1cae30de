"""Who is let in, and the words in which a handshake fails."""

import grpc
import pytest
import torch
from client.runs import final_state, local_trunk, train
from credentials import authority, own
from exactness.uncut import same_bits
from trunk.server import hello_of

from splitlearn.wire.errors import Code, Reason, WireError
from splitlearn.wire.grpc_transport import GrpcTransport
from splitlearn.wire.health import wait_until_serving
from splitlearn.wire.status import wire_error

SECONDS = 30


@pytest.mark.parametrize(
    ("trunk", "client"),
    [
        ("plain", "plain"), ("plain", "token"), ("TLS", "TLS"), ("TLS", "mutual"), ("TLS", "all"),
        ("mutual", "mutual"), ("token", "token"), ("all", "all"),
    ],
)  # fmt: skip
def test_a_client_that_shows_what_the_trunk_asks_for_is_let_in(config, serve, trunk_kinds, client_kinds, trunk, client):
    failures = []
    link = serve(config.but(**trunk_kinds[trunk])).link(config.but(**client_kinds[client]), failures=failures)
    link.open(hello_of(config))

    hidden_BTH = torch.randn(2, 6, 32)
    assert link.infer(hidden_BTH, torch.ones(2, 6)).result().shape == hidden_BTH.shape
    with pytest.raises(WireError) as caught:
        link.gradients(0)
    assert Reason.NO_GRADIENTS is caught.value.reason
    assert failures == []


def test_training_through_mutual_tls_with_a_token_gives_the_same_bits(
    config, serve, trunk_kinds, client_kinds, tmp_path
):
    # Without dropout: in one process both sides would draw from one generator.
    run = config.but(max_length=24, batch_size=2, gradient_accumulation_steps=2, dropout=0)
    calm, guarded = run.but(save_dir=tmp_path / "calm"), run.but(save_dir=tmp_path / "guarded")
    train(calm, local_trunk(calm))
    trunk = serve(guarded.but(**trunk_kinds["all"]))
    train(guarded, trunk.link(guarded.but(**client_kinds["all"])))

    expected, actual = final_state(calm), final_state(guarded)
    assert expected.keys() == actual.keys()
    assert all(same_bits(expected[name], actual[name]) for name in expected)


def test_a_proxy_of_the_environment_is_not_used_for_this_machine(config, serve, trunk_kinds, client_kinds, monkeypatch):
    for name in ("no_proxy", "no_grpc_proxy", "grpc_proxy", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    link = serve(config.but(**trunk_kinds["token"])).link(config.but(**client_kinds["token"]), retry_timeout=0.2)

    assert link.open(hello_of(config)).applied_step == 0


@pytest.mark.parametrize(
    ("trunk", "client", "advice"),
    [
        ("TLS", "plain", "the trunk may speak TLS: give --tls-ca"),
        ("mutual", "plain", "the trunk may speak TLS: give --tls-ca"),
        ("plain", "TLS", "the trunk does not speak TLS: start it with --tls-certificate and --tls-key"),
        ("TLS", "another authority", "the trunk's certificate is not valid for --tls-ca"),
        ("mutual", "TLS", "the trunk may ask for a certificate: give --tls-certificate and --tls-key"),
        ("mutual", "another's certificate", "the trunk may ask for a certificate: give --tls-certificate"),
    ],
)
def test_a_handshake_that_fails_names_the_setting(config, serve, trunk_kinds, client_kinds, trunk, client, advice):
    link = serve(config.but(**trunk_kinds[trunk])).link(config.but(**client_kinds[client]), retry_timeout=0.2)

    with pytest.raises(WireError) as caught:
        link.open(hello_of(config))
    assert (Reason.TRANSPORT, Code.UNAVAILABLE) == (caught.value.reason, caught.value.code)
    assert advice in caught.value.message


def test_a_certificate_for_another_host_is_refused(config, serve, elsewhere):
    link = serve(config.but(**own(elsewhere, "trunk"))).link(config.but(**authority(elsewhere)), retry_timeout=0.2)

    with pytest.raises(WireError, match="the trunk's certificate names other hosts than that of --trunk-address"):
        link.open(hello_of(config))


def test_a_trunk_that_is_not_there_is_no_matter_of_tls(config):
    transport = GrpcTransport(config.but(trunk_address="127.0.0.1:1"), lambda _: None)

    with pytest.raises(WireError) as caught:
        transport.call("OpenSession", b"", SECONDS).result()
    assert "tls" not in caught.value.message.lower()
    transport.close()


@pytest.mark.parametrize("encrypted", [False, True])
def test_a_connection_that_breaks_later_is_no_matter_of_tls(encrypted):
    class Broken(grpc.RpcError):
        def code(self):
            return grpc.StatusCode.UNAVAILABLE

        def details(self):
            return "Socket closed"

        def trailing_metadata(self):
            return ()

    assert "Socket closed" == wire_error(Broken(), encrypted=encrypted).message


def test_waiting_for_a_trunk_with_tls_needs_the_settings(config, serve, trunk_kinds, client_kinds):
    address = serve(config.but(**trunk_kinds["mutual"])).address

    with pytest.raises(WireError):
        wait_until_serving(address, 0.5)
    with pytest.raises(WireError):
        wait_until_serving(address, 0.5, config.but(**client_kinds["TLS"]))
