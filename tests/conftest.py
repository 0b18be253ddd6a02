"""One real broker for the whole test session, and topic names that no other test uses."""

import os
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from typing import Any

import hypothesis
import pytest

from streams.local.broker import Broker
from streams.local.probe import answers
from tests.support.leftovers import end_with_us

# How long one example takes depends on what else the machine does; pytest-timeout catches what hangs.
hypothesis.settings.register_profile("default", deadline=None)
hypothesis.settings.load_profile("default")


def pytest_configure(config: pytest.Config) -> None:
    """A run that is terminated leaves no broker and no worker behind; the processes of xdist are part of it."""
    if not hasattr(config, "workerinput"):
        end_with_us()
    # The brokers of tests live for minutes: what the second compiler of the JVM makes quicker does not pay for itself.
    os.environ.setdefault("JAVA_TOOL_OPTIONS", "-XX:TieredStopAtLevel=1")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Of `--dist loadfile`: what takes long begins first."""
    if config.getoption("dist") != "loadfile":
        return None
    from tests.support.spread import Spread  # noqa: PLC0415 - a run without processes needs no xdist

    return Spread(config, log)


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """The broker of this session, started at its first use. Tests that kill or pause one start their own."""
    if shutil.which("java") is None or shutil.which("mvn") is None:
        pytest.fail("these tests need a broker: install default-jdk-headless and maven, or set KAFKA_BOOTSTRAP_SERVERS")
    broker = Broker("session", home=tmp_path_factory.mktemp("kafka"))
    broker.start()
    yield broker
    broker.kill()  # nobody reads its topics again, so a stop in order is for nothing
    # Hundreds of topics are tens of thousands of files: to wait until all are removed took 20 to 50 s. The mark of this
    # run is not given, or `rm` would end with it.
    command = ["sh", "-c", 'rm -rf "$0" >/dev/null 2>&1 &', str(broker.folder)]
    subprocess.run(command, env={"PATH": os.environ["PATH"]}, check=True, start_new_session=True)


@pytest.fixture(scope="session")
def bootstrap(request: pytest.FixtureRequest) -> str:
    """``host:port`` of the broker for tests: ``KAFKA_BOOTSTRAP_SERVERS`` when set, else our own."""
    servers = os.environ.get("KAFKA_BOOTSTRAP_SERVERS")
    if servers:
        if not answers(servers):
            pytest.fail(f"no broker answers at KAFKA_BOOTSTRAP_SERVERS={servers}")
        return servers
    broker: Broker = request.getfixturevalue("broker")
    return broker.start()


@pytest.fixture
def prefix() -> str:
    """A prefix for the topics, groups and transactional ids of one test, such as ``t1a2b3c.``."""
    return f"t{uuid.uuid4().hex[:6]}."
