"""All files and folders go through the runtime's disk: no code of the protocol opens or changes any directly.

`lint-imports` enforces the same for modules such as `time`, `os` and `threading`, but cannot see a builtin like `open`.
"""

import ast
from pathlib import Path

import pytest

import splitlearn

PACKAGE = Path(splitlearn.__file__).parent
ON_THE_PATH = ("agreement.py", "checkpoint/*.py", "client/*.py", "coding/*.py", "codecs/*.py", "trunk/*.py",
               "wire/*.py", "determinism.py", "loss.py", "optimizer.py", "runtime/durable.py")  # fmt: skip
# Read or write files of the user's own: a table of metrics, certificates and tokens, generated code.
OUTSIDE = ("client/metrics.py", "wire/credentials.py", "wire/generate.py")
FUNCTIONS = {"open", "load_file", "save_file"}
METHODS = {
    "chmod", "exists", "fsync", "glob", "iterdir", "mkdir", "read_bytes", "read_text", "rename", "rglob", "rmdir",
    "rmtree", "stat", "touch", "unlink", "urandom", "write_bytes", "write_text",
}  # fmt: skip


def is_of_a_disk(receiver: ast.expr) -> bool:
    """Whether a method is called on what is named a disk."""
    return ast.unparse(receiver).rpartition(".")[2].lstrip("_") == "disk"


def touches_a_file(call: ast.Call) -> bool:
    """Whether a call opens or changes a file by itself."""
    if isinstance(call.func, ast.Name):
        return call.func.id in FUNCTIONS
    if not isinstance(call.func, ast.Attribute) or is_of_a_disk(call.func.value):
        return False
    mode = isinstance(call.args[0], ast.Constant) if call.args else not call.keywords
    opens = call.func.attr == "open" and mode  # a link and a session are opened with a greeting
    replaces = call.func.attr == "replace" and len(call.args) == 1 and not call.keywords  # of a text there are two
    return opens or replaces or call.func.attr in METHODS


def found_in(source: str) -> list[str]:
    return [
        ast.unparse(node) for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call) and touches_a_file(node)
    ]


def files_on_the_path() -> list[str]:
    found = {path.relative_to(PACKAGE).as_posix() for pattern in ON_THE_PATH for path in PACKAGE.glob(pattern)}
    return sorted(name for name in found - set(OUTSIDE) if "_pb2" not in name)


@pytest.mark.parametrize("name", files_on_the_path())
def test_no_file_is_touched_but_by_the_disk(name):
    assert [] == found_in((PACKAGE / name).read_text())


def test_the_files_that_matter_are_looked_at():
    expected = {
        "checkpoint/store.py",
        "client/claim.py",
        "client/logbook.py",
        "trunk/boot_count.py",
        "trunk/holders.py",
    }
    assert expected <= set(files_on_the_path())
    assert all(found_in((PACKAGE / name).read_text()) for name in OUTSIDE if name != "wire/generate.py")


@pytest.mark.parametrize(
    "planted",
    [
        "open('file')",
        "path.open()",
        "path.open('rb')",
        "path.parent.mkdir(parents=True)",
        "temporary.replace(path)",
        "os.replace(a, b); os.fsync(3)",
        "os.urandom(8)",
        "(folder / 'claim').write_text(name)",
        "self._path.exists()",
        "load_file(path)",
    ],
)
def test_what_is_planted_is_found(planted):
    assert found_in(planted)


@pytest.mark.parametrize(
    "allowed",
    [
        "self._disk.exists(path)",
        "runtime.disk.rename(a, b)",
        "trunk.open(hello)",
        "text.replace('a', 'b')",
        "replace(x)",
    ],
)
def test_what_is_allowed_is_not(allowed):
    assert not found_in(allowed)
