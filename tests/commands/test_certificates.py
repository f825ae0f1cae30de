"""Development certificates: what is written, and that it is what client and trunk need."""

import shlex
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509

NAMES = {"ca.pem", "trunk.pem", "trunk.key", "client.pem", "client.key", "token"}


def hosts_of(path):
    names = x509.load_pem_x509_certificate(path.read_bytes()).extensions.get_extension_for_class(
        x509.SubjectAlternativeName
    )
    return [str(name.value) for name in names.value]


def test_the_files_are_made_once(splitlearn, tmp_path):
    status, out, err = splitlearn("certificates", f"--out={tmp_path / 'a' / 'b'}")
    folder = tmp_path / "a" / "b"
    contents = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert (0, "") == (status, err)
    assert NAMES == contents.keys()
    assert not any(contents[name].decode().strip() in out for name in NAMES)
    assert {name for name in NAMES if (folder / name).stat().st_mode & 0o077 == 0} == {
        "trunk.key",
        "client.key",
        "token",
    }

    status, out, err = splitlearn("certificates", f"--out={folder}")
    assert (2, "") == (status, out)
    assert (
        f"{folder} has ca.pem, client.key, client.pem, token, trunk.key, trunk.pem already; choose another --out" in err
    )
    assert contents == {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("name", sorted(NAMES))
def test_a_single_existing_file_is_kept_and_no_other_is_written(splitlearn, tmp_path, name):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / name).write_text("mine")

    status, _, err = splitlearn("certificates", f"--out={tmp_path / 'out'}")
    assert (2, True) == (status, f"has {name} already" in err)
    assert [("mine", name)] == [(path.read_text(), path.name) for path in (tmp_path / "out").iterdir()]


def test_two_folders_share_nothing(splitlearn, tmp_path):
    for name in ("one", "two"):
        splitlearn("certificates", f"--out={tmp_path / name}")

    assert not [
        name for name in NAMES if (tmp_path / "one" / name).read_text() == (tmp_path / "two" / name).read_text()
    ]


@pytest.mark.parametrize(
    ("words", "hosts", "listen", "address"),
    [
        ([], ["localhost", "127.0.0.1", "::1"], "localhost", "localhost:50051"),
        (["--host", "trunk.example", "10.0.0.7"], ["trunk.example", "10.0.0.7"], "0.0.0.0", "trunk.example:50051"),  # noqa: S104 - printed
        (["--host", "::1"], ["::1"], "::1", "[::1]:50051"),
    ],
)
def test_the_certificate_is_for_the_hosts_and_for_a_year(splitlearn, tmp_path, words, hosts, listen, address):
    status, out, _ = splitlearn("certificates", f"--out={tmp_path / 'out'}", *words)
    until = x509.load_pem_x509_certificate((tmp_path / "out" / "trunk.pem").read_bytes()).not_valid_after_utc

    assert status == 0
    assert hosts == hosts_of(tmp_path / "out" / "trunk.pem")
    assert timedelta(364) < until - datetime.now(UTC) <= timedelta(365)
    assert f"splitlearn trunk --host={listen} --port=50051 " in out
    assert f"--trunk-address={address}" in out.replace("'", "")


@pytest.mark.parametrize("host", ["", "two words", "trunk.example:50051"])
def test_an_invalid_host_is_refused(splitlearn, tmp_path, host):
    status, _, err = splitlearn("certificates", f"--out={tmp_path / 'out'}", "--host", host)

    assert (2, True) == (status, f"host = {host}: give names and addresses without a port" in err)
    assert not (tmp_path / "out").exists()


def test_the_commands_that_are_printed_train(splitlearn, start_trunk, settings, small_model, tmp_path):
    """A client without its token is refused at once; nobody writes the token."""
    _, out, _ = splitlearn("certificates", f"--out={tmp_path / 'with a blank'}", "--host", "127.0.0.1")
    trunk_words, client_words = (shlex.split(line) for line in out.splitlines() if line.startswith("  splitlearn"))
    assert ["splitlearn", "trunk"] == trunk_words[:2]
    assert ["splitlearn", "train"] == client_words[:2]
    trunk = start_trunk(*trunk_words[2:], "--port=0", f"--model={small_model()}")
    client = ["train", *settings, *client_words[2:], f"--trunk-address={trunk.address}"]

    without = [word for word in client if not word.startswith("--token-file")]
    status, _, refusal = splitlearn(*without)
    assert (2, True) == (status, "start the client with --token-file" in refusal)
    status, out, err = splitlearn(*client)
    assert (0, True) == (status, "4 steps, last loss " in out)
    _, trunk_out, trunk_err = trunk.stop()
    token = (tmp_path / "with a blank" / "token").read_text().strip()
    assert token not in "".join([out, err, refusal, trunk_out, trunk_err])
