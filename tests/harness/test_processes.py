"""Programs are started, watched and ended, cold and warm alike; none outlives the harness."""

import os
import signal
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from harness.errors import HarnessError, TimedOutError
from harness.processes import program as one_program
from harness.processes import starters as processes
from harness.processes.starters import ColdStarter, WarmStarter

HERE = Path(__file__).parent
WITH_THIS_FOLDER = os.pathsep.join(filter(None, [str(HERE), os.environ.get("PYTHONPATH")]))
DEADLINE = 60.0


@contextmanager
def opened(kind):
    starter = ColdStarter() if kind == "cold" else WarmStarter((str(HERE / "fork_server.py"), "--bare"))
    with starter:
        yield starter


@pytest.fixture
def acting(monkeypatch):
    """Return a function that opens a starter which knows the programs of this folder."""
    monkeypatch.setitem(processes.MODULES, "acting", "acting")
    monkeypatch.setenv("PYTHONPATH", WITH_THIS_FOLDER)
    return opened


@pytest.fixture(params=["cold", "warm"])
def start(request, acting, tmp_path):
    """Return a function that starts an act of `acting.py`."""
    with acting(request.param) as starter:
        yield lambda *argv: starter.start("the program", "acting", argv, tmp_path / "log")


def lines_of(program):
    return program.log.read_text().splitlines()


class TestEnds:
    @pytest.mark.parametrize("status", [0, 1, 3, 255])
    def test_the_exit_status_is_the_programs(self, start, status):
        program = start("exit", str(status))
        assert status == program.wait(DEADLINE)
        assert not program.running

    @pytest.mark.parametrize("name", ["SIGKILL", "SIGTERM"])
    def test_a_signal_is_a_negative_status(self, start, name):
        assert -signal.Signals[name] == start("kill", name).wait(DEADLINE)

    @pytest.mark.parametrize(("words", "status"), [((), 0), (("this is why",), 1)])
    def test_leaving_in_the_middle_is_as_it_is_for_the_interpreter(self, start, words, status):
        program = start("leave", *words)
        assert status == program.wait(DEADLINE)
        assert [*words] == lines_of(program)

    def test_an_exception_is_status_1_with_its_traceback_in_the_log(self, start):
        program = start("fail")
        assert 1 == program.wait(DEADLINE)
        assert "ValueError: this is the reason" == lines_of(program)[-1]

    def test_both_outputs_are_in_the_log_of_which_the_end_is_shown(self, start):
        program = start("say", "40")
        assert 3 == program.wait(DEADLINE)
        assert {*(f"line {number}" for number in range(40)), "to standard error"} == {*lines_of(program)}
        shown = program.last_lines().splitlines()
        assert one_program.LOG_LINES == len(shown)
        assert ["  " + line for line in lines_of(program)[-one_program.LOG_LINES :]] == shown

    def test_a_program_that_must_run_and_does_not_is_an_error_with_its_last_lines(self, start):
        program = start("say", "2")
        program.wait(DEADLINE)
        with pytest.raises(HarnessError, match=r"the program ended with status 3; its log ends:\n(.*\n)*  line 1"):
            program.must_run()

    def test_many_short_programs_all_end_with_their_own_status(self, start):
        programs = [start("exit", str(number)) for number in range(8)]
        assert [*range(8)] == [program.wait(DEADLINE) for program in programs]


@pytest.mark.parametrize("kind", ["cold", "warm"])
def test_settings_of_the_users_shell_do_not_reach_a_program(acting, monkeypatch, tmp_path, kind):
    monkeypatch.setenv("SPLITLEARN_SEED", "5")
    monkeypatch.setenv("ANYTHING_ELSE", "5")
    with acting(kind) as starter:
        program = starter.start("the program", "acting", ["show", "SPLITLEARN_SEED", "ANYTHING_ELSE"], tmp_path / "log")
        assert 0 == program.wait(DEADLINE)
    assert ["SPLITLEARN_SEED is None", "ANYTHING_ELSE is 5"] == lines_of(program)


class TestStopping:
    def test_a_running_program_is_ended_by_a_request(self, start, meeting):
        program = start("linger", str(meeting.path))
        connection = meeting.wait_for_arrival()
        program.must_run()
        assert -signal.SIGTERM == program.stop()
        assert b"" == connection.recv(1)

    def test_a_program_that_ignores_the_request_is_killed(self, start, meeting, monkeypatch):
        monkeypatch.setattr(one_program, "POLITE_SECONDS", 0.2)
        monkeypatch.setattr(one_program, "STOP_TIMEOUT", 0.2)
        program = start("ignore-sigterm", str(meeting.path))
        connection = meeting.wait_for_arrival()
        assert -signal.SIGKILL == program.stop()
        assert b"" == connection.recv(1)

    def test_a_program_outlives_the_thread_that_asked_for_it(self, start, meeting):
        """Faults start programs again from threads of their own, which end."""
        started = []

        def start_and_wait():
            started.append(start("linger", str(meeting.path)))
            meeting.wait_for_arrival()

        thread = threading.Thread(target=start_and_wait)
        thread.start()
        thread.join()
        with pytest.raises(TimedOutError):
            started[0].wait(0.5)
        assert -signal.SIGTERM == started[0].stop()

    def test_stopping_twice_gives_the_status_again(self, start):
        program = start("exit", "4")
        program.wait(DEADLINE)
        assert [4, 4] == [program.stop(), program.stop()]

    def test_a_signal_to_a_program_whose_end_is_not_known_yet_does_nothing(self, tmp_path):
        ended = subprocess.Popen([sys.executable, "-c", ""])
        ended.wait()
        processes.Program("ended", ended.pid, tmp_path / "log").send(signal.SIGTERM)

    def test_waiting_for_a_program_that_keeps_running_ends_at_the_deadline_with_its_log(self, start, meeting):
        program = start("linger", str(meeting.path))
        meeting.wait_for_arrival()
        with program.log.open("a") as log:
            log.write("still thinking\n")
        with pytest.raises(TimedOutError, match=r"the program still runs after 0 s; its log ends:\n  still thinking"):
            program.wait(0)

    @pytest.mark.parametrize("kind", ["cold", "warm"])
    def test_programs_that_still_run_when_the_starter_closes_are_ended(self, acting, tmp_path, meeting, kind):
        with acting(kind) as starter:
            program = starter.start("left behind", "acting", ["linger", str(meeting.path)], tmp_path / "log")
            connection = meeting.wait_for_arrival()
        assert b"" == connection.recv(1)
        assert program.wait(DEADLINE) < 0


class TestForkServer:
    def test_its_death_ends_its_programs_and_is_a_clear_error(self, acting, tmp_path, meeting):
        with acting("warm") as starter:
            program = starter.start("orphan", "acting", ["linger", str(meeting.path)], tmp_path / "log")
            connection = meeting.wait_for_arrival()
            starter._server.kill()
            assert b"" == connection.recv(1)
            assert -signal.SIGKILL == program.wait(DEADLINE)
            for _ in range(2):
                with pytest.raises(HarnessError, match="the fork server does not answer; start programs cold"):
                    starter.start("late", "acting", ["exit", "0"], tmp_path / "log")

    def test_one_that_cannot_start_is_a_clear_error(self, tmp_path):
        with (
            WarmStarter(("-c", "import sys; sys.exit(1)")) as starter,
            pytest.raises(HarnessError, match="the fork server does not answer"),
        ):
            starter.start("any", "splitlearn", ["--help"], tmp_path / "log")

    def test_one_that_does_not_end_is_killed(self, monkeypatch):
        monkeypatch.setattr(processes, "STOP_TIMEOUT", 0.2)
        with WarmStarter(("-c", "import time; time.sleep(3600)")) as starter:
            pass
        assert -signal.SIGKILL == starter._server.returncode

    def test_a_program_it_does_not_know_fails_in_its_own_log(self, tmp_path):
        with opened("warm") as starter:
            program = starter.start("unknown", "no such program", [], tmp_path / "log")
            assert 1 == program.wait(DEADLINE)
        assert "ModuleNotFoundError: No module named 'no such program'" == lines_of(program)[-1]


class TestNoOrphans:
    """The harness is killed by SIGKILL, which it cannot answer; what it started goes with it."""

    @contextmanager
    def keeper(self, *argv):
        environment = {**os.environ, "PYTHONPATH": WITH_THIS_FOLDER}
        command = [sys.executable, str(HERE / "keeper.py"), *argv]
        with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as keeper:
            try:
                yield keeper
            finally:
                keeper.kill()

    @pytest.mark.parametrize("kind", ["cold", "warm"])
    def test_programs(self, meeting, kind):
        with self.keeper(kind, str(meeting.path)) as keeper:
            connection = meeting.wait_for_arrival()
            keeper.send_signal(signal.SIGKILL)
            assert -signal.SIGKILL == keeper.wait(DEADLINE)
            assert b"" == connection.recv(1)

    def test_the_proxy_server(self, tmp_path):
        with self.keeper("proxy", str(tmp_path / "log")) as keeper:
            port = int(keeper.stdout.readline())
            with socket.create_connection(("127.0.0.1", port), DEADLINE) as connection:
                keeper.send_signal(signal.SIGKILL)
                assert -signal.SIGKILL == keeper.wait(DEADLINE)
                with suppress(ConnectionResetError):  # the server had not accepted the connection yet
                    assert b"" == connection.recv(1)


def test_the_end_of_a_log_does_nothing_to_a_terminal(tmp_path):
    (tmp_path / "log").write_bytes(b"model \x1b[31mred\x00\n")
    assert processes.Program("client", 0, tmp_path / "log").last_lines() == "  model \\x1b[31mred\\x00"
