"""python -m tests.recorded FILE: record with the version that is checked out."""

import sys
from pathlib import Path

from tests.recorded.recording import record

if __name__ == "__main__":
    record(Path(sys.argv[1]))
