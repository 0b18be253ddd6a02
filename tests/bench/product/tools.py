"""The benchmark's own tools, installed when first used, and the folder where results are kept."""

import subprocess
import sys
from pathlib import Path

HOME = Path(__file__).parents[3] / ".bench"
RESULTS = HOME / "product"
"""One JSON file per mode: what it printed last with ``--json``; the plots are made of them."""
_VENV = HOME / "venv-product"
_WANTED = Path(__file__).with_name("requirements.txt")


def tool(name: str) -> str:
    """Path of a program (``python``, ``py-spy``) of the tools' environment. Raises CalledProcessError when it cannot be
    made.
    """
    stamp = _VENV / "requirements.txt"
    if not stamp.exists() or stamp.read_text() != _WANTED.read_text():
        print(f"installing {_WANTED.name} of the benchmark into {_VENV.relative_to(HOME.parent)}", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", str(_VENV)], check=True)
        pip = [str(_VENV / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "-r", str(_WANTED)], check=True, stdout=sys.stderr)
        stamp.write_text(_WANTED.read_text())
    return str(_VENV / "bin" / name)
