"""SIGHUP: the rules folder is read again, and alert rules that changed are applied to all workers."""

import asyncio
import logging
import time

from streams import rules
from streams.base.errors import UserError
from streams.rules import Rules
from streams.rules.applied import Wanted
from streams.settings import Settings
from streams.worker.applying import checked, in_force, next_number, proposal, publish
from streams.worker.features import other_parts
from streams.worker.metrics import Metrics

log = logging.getLogger(__name__)
REASON = "SIGHUP"


class Reloading:
    """One at a time; what is asked for meanwhile is done once more afterwards."""

    def __init__(self, settings: Settings, decided: Rules, metrics: Metrics) -> None:
        """``decided``: what the worker was started with."""
        self.settings, self.decided, self.metrics = settings, decided, metrics
        self._asked = False
        self._task: asyncio.Task[None] | None = None

    def ask(self) -> None:
        """Read the rules again."""
        self._asked = True
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """What is not published yet is not applied."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait((self._task,))

    async def _run(self) -> None:
        while self._asked:
            self._asked = False
            try:
                await self._read()
            except UserError as error:
                self.metrics.rules_refused.inc()
                log.error("the rules are not applied, and those before stay: %s", error)  # noqa: TRY400 - a sentence
            except Exception:
                self.metrics.rules_refused.inc()
                log.exception("the rules are not applied, and those before stay")

    async def _read(self) -> None:
        """Raises `UserError`."""
        settings, decided = self.settings, self.decided
        anew = await asyncio.to_thread(rules.of, settings)
        wanted = await asyncio.to_thread(proposal, settings.rules_dir, decided)
        if others := other_parts(decided, anew):
            log.warning("changed in the rules, and not in force before a restart: %s", ", ".join(others))
        known = await in_force(settings, decided.customers.reader)
        if wanted.version == (decided.customers.alerts.file.version if known is None else known.version):
            log.info("alerts.yaml says what is in force already: version %s", wanted.version)
            return
        now = int(time.time() * 1000)
        number = next_number(known, now)
        told = Wanted(wanted.version, wanted.rules, settings.worker_name, REASON, now)
        await publish(settings, checked(settings, told, number))
        log.info("alerts.yaml is applied to all workers: version %s, number %d", wanted.version, number)
