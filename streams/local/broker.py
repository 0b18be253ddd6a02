"""The embedded broker: one JVM that is Kafka's broker and controller, for development, demonstrations and tests.

A broker has a name and lives in ``<home>/<name>``::

    state.json          the process started last: pid, start time, ports
    server.properties   written at each start from deploy/kafka/server.properties.template
    data/               Kafka's log directory; kept by stop(), removed by destroy()
    broker.log          Kafka's log; console.log is what the JVM itself printed

The folder is its owner's alone: it holds whatever is published.

Only the process named by ``state.json`` is ever signalled, and only while its pid and its start time match.
"""

import contextlib
import fcntl
import json
import logging
import os
import shutil
import signal
import subprocess
import time
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from string import Template

import psutil

from streams.base.errors import BrokerError
from streams.local.jars import class_archive, ensure_jars, keep_class_archive
from streams.local.private import UMASK, private_file, private_folder
from streams.local.probe import answers, free_port, is_port_free

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy" / "kafka"
HOME = ROOT / ".kafka"
JARS = HOME / "jars"
PREFERRED_PORT = 19092
HOST = "127.0.0.1"

# The start time of a process is computed from the clock, which may have been set since.
SAME_START = 2.0

Say = Callable[[str], None]
to_log: Say = logging.getLogger(__name__).info


@dataclass(frozen=True)
class Running:
    """A started broker process; ``started`` in seconds since the epoch, as the operating system reports it."""

    pid: int
    started: float
    port: int
    controller_port: int

    @property
    def bootstrap(self) -> str:
        """``host:port`` for clients."""
        return f"{HOST}:{self.port}"


class Broker:
    """One embedded broker. Every method blocks and may be called from any process; starts and stops take turns.

    Args:
        name: its folder below ``home``; two names are two independent clusters.
        home: the folder of all brokers; by default ``.kafka`` of this checkout.
        jars: where the jars are or are to be put; shared by all homes.
        say: receives one line for people per step.
        port: where it listens the first time, if that port is free.
    """

    def __init__(
        self, name: str = "local", home: Path = HOME, jars: Path = JARS, say: Say = to_log, port: int = PREFERRED_PORT
    ):
        self.name = name
        self._port = port
        self.folder = home.resolve() / name
        self._jars = jars
        self._say = say
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> Path:
        """Kafka's own log file."""
        return self.folder / "broker.log"

    def running(self) -> Running | None:
        """The process behind this broker; ``None`` without one, also when a crash left its state file behind."""
        try:
            state = Running(**json.loads(self._state.read_text()))
        except (FileNotFoundError, ValueError, TypeError):
            return None
        return state if self._process(state) else None

    def is_ready(self) -> bool:
        """Whether it runs and answers the Kafka protocol."""
        state = self.running()
        return state is not None and answers(state.bootstrap)

    def start(self, *, timeout: float = 60.0) -> str:
        """Start it unless it runs already, wait until it answers, return ``host:port``. ``timeout`` in seconds.

        The ports of its last run are used again when they are free, then ``port``, then any.

        Raises:
            BrokerError: Java or Maven is missing, the process ended, or it did not answer in time (then it is ended).
        """
        with self._turn():
            state = self.running() or self._launch(timeout)
            try:
                self._await_answer(state, timeout)
            except BrokerError:
                if self._process(state) or is_port_free(state.port):
                    raise
                self._say(f"port {state.port} was taken meanwhile, trying another")
                state = self._launch(timeout)
                self._await_answer(state, timeout)
            return state.bootstrap

    def stop(self, *, timeout: float = 20.0) -> bool:
        """End it by SIGTERM, after ``timeout`` seconds by SIGKILL; the data stay. Returns whether it was running."""
        with self._turn():
            return self._end(signal.SIGTERM, timeout)

    def kill(self) -> bool:
        """End it by SIGKILL, as a crash would. Returns whether it was running."""
        with self._turn():
            return self._end(signal.SIGKILL, 20.0)

    def restart(self, *, timeout: float = 60.0) -> str:
        """Stop and start it with the same data and, if still free, the same ports."""
        self.stop()
        return self.start(timeout=timeout)

    def destroy(self) -> None:
        """Stop it and remove everything it stored."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def pause(self) -> None:
        """Freeze the process (SIGSTOP): connections stay open and nothing answers.

        Raises:
            BrokerError: it is not running.
        """
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let a paused process go on (SIGCONT).

        Raises:
            BrokerError: it is not running.
        """
        self._signal(signal.SIGCONT)

    # How it is done

    @property
    def _state(self) -> Path:
        return self.folder / "state.json"

    @property
    def _properties(self) -> Path:
        return self.folder / "server.properties"

    @contextlib.contextmanager
    def _turn(self) -> Iterator[None]:
        """One start or stop at a time, across processes."""
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        with (self.folder.parent / f"{self.name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _process(self, state: Running) -> psutil.Process | None:
        """The live process of ``state``; ``None`` when it ended or its pid now belongs to another program."""
        try:
            process = psutil.Process(state.pid)
            # Not the command line: for a moment after the start it is empty.
            ours = abs(process.create_time() - state.started) < SAME_START
            return process if ours and process.status() != psutil.STATUS_ZOMBIE else None
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            return None

    def _launch(self, timeout: float) -> Running:
        java = shutil.which("java")
        if java is None:
            raise BrokerError(
                "Java is not on the PATH. Debian/Ubuntu: apt-get install default-jre-headless (17 or newer)"
            )
        jars = ensure_jars(DEPLOY / "pom.xml", self._jars, self._say)
        private_folder(self.folder)
        port, controller_port = self._choose_ports()
        template = Template((DEPLOY / "server.properties.template").read_text())
        ports = {"port": port, "controller_port": controller_port}
        with private_file(self._properties, "wb") as properties:
            properties.write(template.substitute(home=self.folder, **ports).encode())
        self._format(java, jars, timeout)
        # The serial collector starts quickest and is enough for half a gigabyte.
        heap = ["-Xms256m", "-Xmx512m", "-XX:+UseSerialGC"]
        command = [java, *heap, *class_archive(java, jars, self.folder), *self._class_path(jars), "kafka.Kafka"]
        with private_file(self.folder / "console.log", "wb") as console:
            # A session of its own: Ctrl-C in the terminal that started it does not end it.
            child = subprocess.Popen(
                [*command, str(self._properties)],
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
                start_new_session=True,
                umask=UMASK,
            )
        self._child = child
        state = Running(child.pid, psutil.Process(child.pid).create_time(), port, controller_port)
        with private_file(self._state, "wb") as file:
            file.write(json.dumps(asdict(state), indent=1).encode())
        self._say(f"broker {self.name} starting on {state.bootstrap}, pid {state.pid}, log {self.log}")
        return state

    def _class_path(self, jars: Path) -> list[str]:
        logging_options = [f"-Dbroker.log={self.log}", f"-Dlog4j2.configurationFile={DEPLOY / 'log4j2.xml'}"]
        return [*logging_options, "-cp", f"{jars}/*"]

    def _choose_ports(self) -> tuple[int, int]:
        """Ports for clients and for the controller: those of the last run if free, so that clients find it again."""
        try:
            last = json.loads(self._state.read_text())
            wanted = [int(last["port"]), self._port]
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            wanted = [self._port]
        port = next((p for p in wanted if is_port_free(p)), None) or free_port()
        return port, free_port()

    def _format(self, java: str, jars: Path, timeout: float) -> None:
        """Write the cluster id into an empty data folder; a formatted one is left alone."""
        data = self.folder / "data"
        if (data / "meta.properties").exists():
            return
        shutil.rmtree(data, ignore_errors=True)  # what a format that was cut short left
        cluster_id = urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        command = [java, "-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", *self._class_path(jars)]
        command += ["kafka.tools.StorageTool", "format", f"--cluster-id={cluster_id}", "-c", str(self._properties)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False, umask=UMASK)
        if done.returncode != 0:
            raise BrokerError(f"Kafka could not format {data}:\n{(done.stdout + done.stderr).strip()[-2000:]}")

    def _await_answer(self, state: Running, timeout: float) -> None:
        until = time.monotonic() + timeout
        while process := self._process(state):
            # Whose port it is counts too: a broker started at the same moment may have taken it first.
            if _listens(process, state.port) and answers(state.bootstrap):
                return
            if time.monotonic() > until:
                self._end(signal.SIGKILL, 20.0)
                raise BrokerError(
                    f"the broker did not answer on {state.bootstrap} within {timeout:.0f} s; its log: {self.log}"
                )
            time.sleep(0.05)
        self._reap()
        raise BrokerError(f"the broker ended while starting; its log: {self.log}\n{self._last_words()}")

    def _last_words(self) -> str:
        """The end of the log, where the reason of a failed start stands."""
        logs = (self.folder / "console.log", self.log)
        return "".join(path.read_text(errors="replace")[-1500:] for path in logs if path.exists())

    def _end(self, how: signal.Signals, timeout: float) -> bool:
        state = self.running()
        process = self._process(state) if state else None
        if process is not None:
            process.send_signal(how)
            if how is not signal.SIGKILL:
                process.send_signal(signal.SIGCONT)  # a paused process would not see SIGTERM
            try:
                process.wait(timeout)
            except psutil.TimeoutExpired:
                self._say(f"broker {self.name} did not stop within {timeout:.0f} s, killing it")
                process.kill()
                process.wait(timeout)
            keep_class_archive(self.folder, self._jars)
        self._reap()
        return process is not None

    def _reap(self) -> None:
        """Collect the exit code when the process was our child, so that no zombie stays."""
        if self._child is not None:
            self._child.wait()
            self._child = None

    def _signal(self, what: signal.Signals) -> None:
        state = self.running()
        if state is None:
            raise BrokerError(f"broker {self.name} is not running")
        os.kill(state.pid, what)


def _listens(process: psutil.Process, port: int) -> bool:
    try:
        connections = process.net_connections("tcp")  # Java listens by IPv6 on an IPv4 address too
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return False
    return any(c.status == psutil.CONN_LISTEN and c.laddr.port == port for c in connections)
