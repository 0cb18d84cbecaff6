"""Claims about who may import whom, and that the contracts which hold it can fail."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

PLANTED = {
    "models-stand-alone": ("models/vocabulary.py", "import authz_service.engine"),
    "houses-apart": ("gateway/__init__.py", "import authz_service"),
    "pure-engine": ("authz_service/engine/diagram.py", "import sqlalchemy"),
    "pure-workbench": ("authz_service/workbench/terms.py", "import authz_service.storage"),
    "one-oso": ("authz_service/engine/diagram.py", "import oso"),
    "one-client": ("gateway/app.py", "import httpx"),
    "one-client-of-payments": ("gateway/payments/settlement.py", "import httpx"),
    "authz-layers": ("authz_service/engine/diagram.py", "import authz_service.facts"),
}


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    return subprocess.run(  # The folder is first on the path there, before the checkout.
        command, cwd=folder, env={"PYTHONPATH": str(folder), "PATH": ""}, capture_output=True, text=True, check=False
    )


def copy_packages(folder: Path) -> Path:
    for package in ("authz_service", "gateway", "models"):
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def test_every_import_contract_holds() -> None:
    """The tree as it stands keeps all contracts of pyproject.toml."""
    done = lint_imports(ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("contract", PLANTED)
def test_a_planted_import_breaks_its_contract(contract: str, tmp_path: Path) -> None:
    """Each contract fails when an import that it forbids is planted."""
    copy_packages(tmp_path)
    path, statement = PLANTED[contract]
    planted = tmp_path / path
    planted.write_text(planted.read_text() + f"\n{statement}\n")
    done = lint_imports(tmp_path)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "BROKEN" in done.stdout
