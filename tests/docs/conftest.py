import re
from pathlib import Path
from typing import Any

import pytest

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture
def names_of_page():
    """Run a page's Python block as its reader would; return the names that it defines."""

    def execute(page: str) -> dict[str, Any]:
        blocks = re.findall(r"```python\n(.*?)```", (DOCS / page).read_text(), flags=re.DOTALL)
        assert len(blocks) == 1
        names: dict[str, Any] = {"__name__": page}
        exec(compile(blocks[0], page, "exec"), names)  # noqa: S102 - the page is ours
        return names

    return execute
