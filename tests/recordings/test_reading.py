"""A damaged, truncated or foreign recording gets a message and exit status 2; nothing in it is executed."""

import json
import pickle
import shutil

import pytest
import torch
from loop import Spoiler, train
from safetensors.torch import save_file

from harness.oracle.recordings import read_recording
from harness.recorder import Recorder
from splitlearn.tensor_log import FileTensorLog

WHOLE = "step-1/loss.0.safetensors"
FINAL = "final.safetensors"


class Bomb:
    """Leaves a file when it is unpickled."""

    def __init__(self, place):
        self.place = place

    def __reduce__(self):
        return (type(self.place).touch, (self.place,))


def cut(name, octets):
    def damage(part):
        path = part / name
        path.write_bytes(path.read_bytes()[:-octets])

    return damage


def overwrite(name, content):
    return lambda part: (part / name).write_bytes(content)


def entry(**values):
    def damage(part):
        spoiler = Spoiler(part)
        lines = spoiler.lines()
        lines[3] = {**lines[3], **values}
        spoiler.write(lines)

    return damage


def describe(**values):
    return lambda part: Spoiler(part).describe(**values)


def forget(name):
    return lambda part: (part / name).unlink()


def drop_last_line(part):
    path = part / "digests.jsonl"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))


def bomb(name):
    return lambda part: (part / name).write_bytes(pickle.dumps(Bomb(part / "executed")))


DAMAGES = {
    "a line cut off": (cut("digests.jsonl", 20), "digests.jsonl, line 81: Invalid JSON"),
    "a line missing": (drop_last_line, "has 80 of 81 lines: it was cut short"),
    "no digests": (forget("digests.jsonl"), "digests.jsonl cannot be read"),
    "digests that are no text": (overwrite("digests.jsonl", b"\xff\xfe\0"), "digests.jsonl is not text"),
    "digests of another kind": (overwrite("digests.jsonl", b"[1, 2]\n"), "line 1: Input should be an object"),
    "deep nesting": (overwrite("digests.jsonl", b"[" * 100_000 + b"\n"), "digests.jsonl, line 1"),
    "a key too many": (entry(code="print()"), "line 4: code: Extra inputs are not permitted"),
    "no whole step": (entry(step=1.5), "line 4: step: Input should be a valid integer"),
    "a step before the first": (entry(step=-1), "line 4: step: Input should be greater than or equal to 0"),
    "no digest": (entry(sha256="abc"), "line 4: sha256: String should match pattern"),
    "a name that leaves the folder": (entry(tensor="../../main/final"), "line 4: tensor: Value error, a tensor's name"),
    "a name that no file can have": (
        entry(tensor="x" * 300),
        "line 4: tensor: Value error, a tensor's name has at most",
    ),
    "a step that no computer counts": (entry(step=10**40), "line 4: step: Input should be less than"),
    "a party that rings the bell": (
        describe(party="\a"),
        "party: Value error, it has characters that cannot be printed",
    ),
    "another format": (describe(format="other"), "format: Input should be 'splitlearn-recording'"),
    "a later version": (describe(version=2), "version: Input should be 1"),
    "metadata that are no object": (overwrite("recording.json", b"[]"), "recording.json: Input should be an object"),
    "metadata cut off": (cut("recording.json", 5), "recording.json: Invalid JSON"),
    "a whole tensor cut off": (cut(WHOLE, 2), f"{WHOLE} cannot be read"),
    "an empty whole tensor": (overwrite(WHOLE, b""), f"{WHOLE} cannot be read"),
    "a whole tensor that is another": (
        lambda part: save_file({"tensor": torch.zeros(())}, part / WHOLE),
        f"{WHOLE} is not the tensor whose digest was recorded",
    ),
    "a whole tensor of another key": (lambda part: save_file({"x": torch.zeros(())}, part / WHOLE), "cannot be read"),
    "a final state cut off": (cut(FINAL, 2), f"{FINAL} cannot be read"),
    "no final state": (forget(FINAL), f"{FINAL} is missing, and the recording says that it was written"),
    "a final state of other names": (lambda part: save_file({"x": torch.ones(1)}, part / FINAL), "holds 'x'"),
    "a pickle for a whole tensor": (bomb(WHOLE), f"{WHOLE} cannot be read"),
    "a pickle for the final state": (bomb(FINAL), f"{FINAL} cannot be read"),
    "a pickle for the digests": (bomb("digests.jsonl"), "digests.jsonl"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_is_damaged_is_refused_with_a_message(recorded, copy, judge, capsys, damage):
    spoil, message = DAMAGES[damage]
    spoil(copy.part)

    for pair in ((copy.part, recorded), (recorded, copy.part)):
        assert (2, None) == judge(*pair)
        told = capsys.readouterr().err
        assert told.startswith("harness judge: ")
        assert message in told
        assert "Traceback" not in told
    assert not (copy.part / "executed").exists()


@pytest.mark.parametrize("name", ["nothing", "file", "empty"])
def test_what_is_no_recording_is_refused(tmp_path, recorded, judge, capsys, name):
    (tmp_path / "file").write_text("text")
    (tmp_path / "empty").mkdir()
    assert 2 == judge(tmp_path / name, recorded)[0]
    assert ("is no folder" if name != "empty" else "holds no recording") in capsys.readouterr().err


def test_a_part_whose_metadata_are_missing_is_not_overlooked(recorded, tmp_path, judge, capsys):
    train(tmp_path / "two", party="rank-0")
    shutil.copytree(recorded / "main", tmp_path / "two" / "rank-1")
    (tmp_path / "two" / "rank-1" / "recording.json").unlink()
    assert 2 == judge(tmp_path / "two", recorded)[0]
    assert "rank-1/recording.json cannot be read" in capsys.readouterr().err


class TestKilledWriter:
    """A part that cannot say whether it is complete may end, and go on, in the middle of a line."""

    def test_unfinished_lines_are_counted_and_told(self, recorded, copy, judge):
        text = (copy.part / "digests.jsonl").read_text()
        copy.describe(complete=None, entries=None)
        (copy.part / "digests.jsonl").write_text('{"step": 1, "micro' + "\n" + text + '{"step": 2')
        status, judged = judge(copy.part, recorded)
        assert (0, [f"{copy.part} has lines that a killed program left unfinished: 2"]) == (status, judged["remarks"])

    def test_an_unfinished_tensor_counts_as_not_kept(self, recorded, copy, judge):
        copy.describe(complete=None, entries=None)
        cut(WHOLE, 3)(copy.part)
        status, judged = judge(copy.part, recorded)
        assert (0, judged["compared"] - 1) == (status, judged["whole"])

    def test_a_finished_line_that_is_wrong_is_damage(self, recorded, copy, judge):
        copy.describe(complete=None, entries=None)
        (copy.part / "digests.jsonl").write_text('{"step": 1}\n')
        assert 2 == judge(copy.part, recorded)[0]


def test_parties_that_recorded_one_tensor_with_other_bits_fail(tmp_path, judge):
    for party in ("rank-0", "rank-1"):
        recorder = Recorder(tmp_path / "two", party=party)
        with recorder.step(0) as step:
            step.boundary("same", torch.ones(1))
            step.boundary("other", torch.ones(1) if party == "rank-0" else torch.zeros(1))
        recorder.close()
    status, judged = judge(tmp_path / "two", tmp_path / "two")
    first = judged["first_divergence"]
    assert (1, "other", 1) == (status, first["tensor"], judged["disagreeing"])
    assert "it was recorded twice, with different bits" == first["reason"]


def test_a_step_that_was_done_again_with_the_same_bits_counts_once(recorded, copy, judge):
    lines = copy.lines()
    copy.write([*lines, *lines[:10]])
    status, judged = judge(copy.part, recorded)
    assert (0, len(lines) + 16) == (status, judged["compared"])


def test_complex_tensors_are_compared_as_pairs(tmp_path, judge):
    for name, imaginary in (("a", 1.0), ("b", 2.0)):
        recorder = Recorder(tmp_path / name, record_steps=[0])
        with recorder.step(0) as step:
            step.boundary("wave", torch.tensor([0.5 + 0j, complex(0.5, imaginary)]))
        recorder.close()
    first = judge(tmp_path / "a", tmp_path / "b")[1]["first_divergence"]
    assert ([1, 1], 1.0, 2.0) == (first["index"], first["recording"], first["reference"])


def test_the_reader_knows_a_run_by_its_folder_of_tensors(recorded, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(recorded, run / "tensors")
    (run / "scenario.json").write_text(json.dumps({}))
    assert read_recording(recorded).digests == read_recording(run).digests


# The program's tensor log ends with its process, and so leaves its file to the interpreter.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_the_programs_of_this_project_write_the_same_format(tmp_path):
    tensor = torch.arange(6.0).reshape(2, 3)
    theirs = FileTensorLog(tmp_path / "theirs" / "client", [0])
    theirs.boundary(0, 1, "smashed", tensor)
    ours = Recorder(tmp_path / "ours", party="client", record_steps=[0])
    with ours.step(0) as step:
        step.boundary("smashed", tensor, microbatch=1)
    found, expected = (read_recording(tmp_path / name) for name in ("theirs", "ours"))
    assert (found.digests, found.parties) == (expected.digests, expected.parties)
    (place,) = expected.digests
    assert torch.equal(tensor, found.load(place))
