"""What a run of tests, of chaos or of a bench starts ends with it, however that ends: brokers and workers have sessions
of their own and would outlive it.

A second process watches the first by a pipe. Whatever ends the first closes the pipe: its last line, SIGTERM, SIGKILL.
What has to end then is known by a mark in the environment, which every process inherits from the one that started it.
"""

import atexit
import os
import subprocess
import sys
import time
import uuid

import psutil

VARIABLE = "ENDS_WITH"
"""The marks of all runs that a process is part of: a chaos run within a test run has two."""
GRACE_SECONDS = 5.0
QUIET_SECONDS = 0.3


def end_with_us() -> None:
    """From now on, whatever this process starts ends when it does."""
    mark = uuid.uuid4().hex
    watch = subprocess.Popen(
        [sys.executable, __file__, mark],
        stdin=subprocess.PIPE,  # nobody inherits our end of it
        start_new_session=True,  # a signal to our group is not for it
    )
    os.environ[VARIABLE] = f"{os.environ.get(VARIABLE, '')} {mark}".strip()
    atexit.register(watch.communicate)


def marked(mark: str) -> list[psutil.Process]:
    """The live processes with this mark."""
    found = []
    for process in psutil.process_iter():
        try:
            if mark in process.environ().get(VARIABLE, "") and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:  # somebody else's, or it has ended
            continue
    return found


def _end(mark: str) -> None:
    """SIGTERM to each, SIGKILL when it takes its time. Looks more than once: one that was just being started is seen a
    moment later.
    """
    begun, told = time.monotonic(), set[psutil.Process]()
    quiet_since = begun
    while time.monotonic() < quiet_since + QUIET_SECONDS:
        late = time.monotonic() > begun + GRACE_SECONDS
        for process in marked(mark):
            quiet_since = time.monotonic()
            try:
                if late:
                    process.kill()
                elif process not in told:
                    process.terminate()
            except psutil.Error:
                continue
            told.add(process)
        time.sleep(0.05)


if __name__ == "__main__":
    sys.stdin.buffer.read()  # until nobody is left who could write
    _end(sys.argv[1])
