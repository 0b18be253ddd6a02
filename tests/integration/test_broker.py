"""The embedded broker: starts, answers, stops, survives crashes, and touches no process but its own."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import psutil
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from streams.base.errors import BrokerError
from streams.local.bootstrap import resolve_bootstrap
from streams.local.broker import Broker, Running
from streams.local.probe import answers, free_port, is_port_free
from tests.support.engine import create_topics


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("brokers")


@pytest.fixture(scope="module")
def own(home: Path) -> Iterator[Broker]:
    """A broker that the tests of this module may stop, kill and pause, and whose port nobody else is about to take."""
    broker = Broker("own", home=home, port=free_port())
    yield broker
    broker.destroy()


async def publish(bootstrap: str, value: bytes) -> None:
    await create_topics(bootstrap, {"kept": 1})
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all")
    await producer.start()
    await producer.send_and_wait("kept", value)
    await producer.stop()


async def first_value(bootstrap: str) -> bytes:
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    consumer.assign([TopicPartition("kept", 0)])
    record = await consumer.getone()
    await consumer.stop()
    return record.value


def test_start_twice_is_one_process(own: Broker) -> None:
    first = own.start()
    running = own.running()
    assert answers(first)
    assert own.start() == first
    assert own.running() == running


def test_another_object_finds_it_and_is_found_by_the_order_of_choice(own: Broker, home: Path) -> None:
    own.start()
    again = Broker("own", home=home)
    assert again.running() == own.running()
    found = resolve_bootstrap(broker=again, environment={})
    assert (found.servers, found.how, found.started) == (own.start(), "running", None)


async def test_what_was_published_outlives_a_stop_and_a_crash(own: Broker) -> None:
    bootstrap = own.start()
    await publish(bootstrap, b"still here")
    assert own.stop() is True
    assert own.running() is None
    assert not answers(bootstrap)
    assert own.start() == bootstrap, "the same port again: clients reconnect"
    assert own.kill() is True
    assert own.running() is None
    own.start()
    assert await first_value(bootstrap) == b"still here"


def test_nobody_else_reads_what_it_holds(own: Broker) -> None:
    own.start()
    own.stop()
    assert readable(own.folder) == []
    old = own.folder / "data" / "meta.properties"
    old.chmod(0o644)
    own.log.chmod(0o644)
    own.folder.chmod(0o755)
    own.start()
    assert readable(own.folder) == [], "what an earlier version left is closed"


def readable(folder: Path) -> list[Path]:
    """What others than the owner may read or write in a folder, itself included."""
    return [each for each in (folder, *folder.rglob("*")) if each.stat().st_mode & 0o077]


def test_stop_of_a_stopped_broker_says_so(own: Broker) -> None:
    own.start()
    assert own.stop() is True
    assert own.stop() is False
    with pytest.raises(BrokerError, match="own is not running"):
        own.pause()


def test_a_paused_broker_runs_but_does_not_answer_and_can_be_stopped(own: Broker) -> None:
    bootstrap = own.start()
    own.pause()
    assert own.running() is not None
    until = time.monotonic() + 10
    while answers(bootstrap, timeout=0.3):  # what it was about to say may still come
        assert time.monotonic() < until
    own.resume()
    assert own.is_ready()
    own.pause()
    assert own.stop() is True


def test_two_started_at_once_get_ports_of_their_own(home: Path) -> None:
    pair = [Broker(name, home=home) for name in ("left", "right")]
    threads = [threading.Thread(target=broker.start) for broker in pair]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    try:
        left, right = (broker.running() for broker in pair)
        assert left is not None
        assert right is not None
        assert len({left.port, left.controller_port, right.port, right.controller_port}) == 4
        pair[0].stop()
        assert pair[1].is_ready(), "stopping one leaves the other alone"
    finally:
        for broker in pair:
            broker.destroy()
    assert not (home / "left").exists()


def test_a_state_file_with_the_pid_of_another_program_is_stale(home: Path) -> None:
    stranger = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        broker = Broker("stale", home=home)
        broker.folder.mkdir()
        state = Running(stranger.pid, psutil.Process(stranger.pid).create_time() - 3600, 1, 2)
        (broker.folder / "state.json").write_text(json.dumps(asdict(state)))
        assert broker.running() is None
        assert broker.stop() is False
        assert stranger.poll() is None, "the stranger lives on"
    finally:
        stranger.kill()
        stranger.wait()


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"pid": 1}'])
def test_a_damaged_state_file_counts_as_not_running(tmp_path: Path, text: str) -> None:
    broker = Broker("damaged", home=tmp_path)
    broker.folder.mkdir()
    (broker.folder / "state.json").write_text(text)
    assert broker.running() is None


def test_a_broker_that_cannot_start_says_why_and_where_to_look(home: Path) -> None:
    broker = Broker("broken", home=home)
    data = broker.folder / "data"
    data.mkdir(parents=True)
    (data / "meta.properties").write_text("version=1\nnode.id=99\ncluster.id=other\n")
    with pytest.raises(BrokerError, match=r"ended while starting; its log: .*broker\.log"):
        broker.start()
    assert broker.running() is None


def test_ports_that_something_listens_on_are_not_free(own: Broker) -> None:
    own.start()
    running = own.running()
    assert running is not None
    assert not is_port_free(running.port)
