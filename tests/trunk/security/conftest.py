"""Certificates, keys and tokens of some authorities, and settings of both sides that use them."""

import pytest
from credentials import authority, folder_of, own, token

from splitlearn.commands.certificates import DEFAULT_HOSTS, made


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Certificates, keys and a token of one authority."""
    return folder_of(made(DEFAULT_HOSTS), tmp_path_factory.mktemp("files"))


@pytest.fixture(scope="module")
def strange(tmp_path_factory):
    """The same of another authority, for another host."""
    return folder_of(made(["elsewhere.test"]), tmp_path_factory.mktemp("strange"))


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory):
    """A trunk's files for another host; the authority is known."""
    return folder_of(made(["elsewhere.test"]), tmp_path_factory.mktemp("elsewhere"))


@pytest.fixture
def trunk_kinds(files):
    """Settings of trunks by what they ask for."""
    return {
        "plain": {},
        "TLS": own(files, "trunk"),
        "mutual": own(files, "trunk") | authority(files),
        "token": token(files),
        "all": own(files, "trunk") | authority(files) | token(files),
    }


@pytest.fixture
def client_kinds(files, strange, elsewhere):
    """Settings of clients by what they trust and present."""
    return {
        "plain": {},
        "TLS": authority(files),
        "mutual": authority(files) | own(files, "client"),
        "token": token(files),
        "all": authority(files) | own(files, "client") | token(files),
        "another authority": authority(strange),
        "another's certificate": authority(files) | own(strange, "client"),
    }
