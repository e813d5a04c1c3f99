"""The order of the slices holds: import-linter says so, in the tests as in ./dev check."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_contracts_are_kept() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    result = subprocess.run([linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout


def test_imports_stand_at_the_top_of_their_file() -> None:
    hidden = []
    for folder in ("app", "workers"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                    inner = [part for part in ast.walk(node) if isinstance(part, ast.Import | ast.ImportFrom)]
                    hidden += [f"{path.relative_to(ROOT)}:{part.lineno}" for part in inner]
    assert hidden == []


def test_only_the_transaction_module_commits_and_rolls_back() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for folder in ("app", "workers")
        for path in sorted((ROOT / folder).rglob("*.py"))
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if re.search(r"session\.(commit|rollback)\(", line) and path != ROOT / "app" / "core" / "transaction.py"
    ]
    assert found == []


def test_every_slice_has_its_folder_of_tests() -> None:
    slices = {path.name for path in (ROOT / "app").iterdir() if (path / "__init__.py").exists()}
    with_tests = {path.parent.name for path in (ROOT / "tests").glob("*/test_*.py")}
    assert slices - with_tests == set()
