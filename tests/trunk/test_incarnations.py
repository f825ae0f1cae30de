"""Incarnations never repeat, even after restarts or with other folders; requests of older ones do nothing."""

import pytest
from client.runs import direct, remote_trunk
from trunk.calling import opened, refusal, requests_of
from trunk.server import hello_of, service_of

from splitlearn.errors import CheckpointError
from splitlearn.runtime import real_runtime
from splitlearn.runtime.simulated import ManualClock, SeededEntropy
from splitlearn.trunk.boot_count import HIGHEST, next_boot, only_trunk
from splitlearn.trunk.dispatch import Dispatch
from splitlearn.trunk.sessions import Sessions, checked_name
from splitlearn.wire.errors import Reason, WireError


def test_incarnations_of_trunks_with_other_folders_do_not_meet(config, tmp_path):
    """Both were started for the first time."""
    one, other = (service_of(config.but(save_dir=tmp_path / name)) for name in ("one", "other"))
    first, second = (opened(service, config).incarnation for service in (one, other))

    assert first != second
    assert Reason.STALE_INCARNATION is refusal(other.compute, requests_of(first)[0][1]).reason


def test_a_client_that_opens_again_at_a_trunk_with_another_folder_is_told_what_is_missing(config, tmp_path):
    link = remote_trunk(direct(service_of(config)), config)
    link.open(hello_of(config))
    link._calls.transport.dispatch = Dispatch(service_of(config.but(save_dir=tmp_path / "elsewhere")))

    assert Reason.NO_CHECKPOINT is refusal(link.open, hello_of(config, 4)).reason


def test_requests_of_an_older_incarnation_do_nothing(config):
    service = service_of(config)
    old = opened(service, config, client="first").incarnation
    new = opened(service, config, client="second", replaces=old).incarnation

    for name, request in requests_of(old):
        assert Reason.STALE_INCARNATION is refusal(getattr(service, name), request).reason
    session = service._sessions.get("default", new).session
    assert (0, 0) == (session._tape.nbytes, session.applied_step)
    assert not list(config.save_dir.rglob("step-*"))


def test_no_incarnation_comes_twice_over_restarts_of_the_trunk(config, tmp_path):
    """A client of the first life meets the session of another, opened in the second."""
    incarnations = []
    for _ in range(3):
        service = service_of(config, boot=next_boot(tmp_path, real_runtime()))
        last = incarnations[-1] if incarnations else 0
        incarnations.append(opened(service, config, replaces=last).incarnation)
        for before in incarnations[:-1]:
            assert Reason.STALE_INCARNATION is refusal(service.compute, requests_of(before)[0][1]).reason

    assert incarnations == sorted(set(incarnations))


def test_a_count_of_starts_that_cannot_be_read_is_refused_with_advice(tmp_path):
    assert [1, 2] == [next_boot(tmp_path, real_runtime()) for _ in range(2)]
    (tmp_path / ".trunk-boots").write_text("2x")

    with pytest.raises(CheckpointError, match="write one there that is higher than any before"):
        next_boot(tmp_path, real_runtime())


def test_no_session_can_have_the_name_of_the_trunks_own_files(config, tmp_path):
    next_boot(tmp_path, real_runtime())
    with only_trunk(tmp_path, real_runtime()):
        own = {path.name for path in tmp_path.iterdir()}
    assert own
    for name in own:
        with pytest.raises(WireError, match=r"no '\.' first"):
            checked_name(name)


def test_the_highest_count_of_starts_still_makes_incarnations_of_64_bits(tmp_path):
    (tmp_path / ".trunk-boots").write_text(str(HIGHEST - 2))
    boot = next_boot(tmp_path, real_runtime())
    assert Sessions(1, ManualClock(), SeededEntropy(0), boot).new_incarnation() < 1 << 64
    with pytest.raises(CheckpointError, match="write one there"):
        next_boot(tmp_path, real_runtime())


def test_a_count_that_cannot_be_written_is_refused_with_advice(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(CheckpointError, match=r"cannot be written.*make room or give another --save-dir"):
        next_boot(tmp_path / "file", real_runtime())
