"""How tests are given to the processes of a run: those that wait beside those that compute, and the longest first.

A test on a broker mostly waits, for workers that start and for time that has to pass; a unit test computes. So half of
the processes begin with the ones, half with the others, and whoever is done with its kind helps with the other. A file is
given as a whole, for what its tests share; a test of `APART` is a unit of its own, since files of minutes would leave the
last of them to one process.
"""

from collections import OrderedDict
from typing import Any

from xdist.scheduler import LoadScopeScheduling

APART = ("tests/e2e/", "tests/integration/engine/", "tests/integration/test_leftovers.py")
TOGETHER = ("tests/e2e/test_prometheus.py",)
"""Of these, files whose tests share what is costly."""
WAITING = ("tests/e2e/", "tests/integration/", "tests/chaos/")
SECONDS = {
    "tests/e2e/test_call_log.py::test_one_week_of_a_bank_is_exact_through_a_kill_and_a_second_replay": 140,
    "tests/e2e/test_story.py::test_every_step_is_proved_and_nothing_is_left": 50,
    "tests/e2e/test_chaos.py::test_a_short_run_is_exact[1]": 120,
    "tests/e2e/test_chaos.py::test_a_short_run_is_exact[2]": 110,
    "tests/e2e/test_call_log.py::test_a_synthetic_log_is_exact_through_a_kill_and_a_second_replay": 90,
    "tests/e2e/test_fleet.py::test_a_changelog_that_is_gone_and_what_helps": 50,
    "tests/e2e/test_fleet.py::test_a_setting_altered_under_workers_makes_them_not_ready_until_it_is_mended": 25,
    "tests/e2e/test_alerts_at_hand.py::test_a_supervisor_from_a_firing_alert_to_its_end": 60,
    "tests/e2e/test_api_without_broker.py::test_a_broker_that_goes_and_comes_back": 45,
    "tests/e2e/test_broker_away.py::test_a_worker_is_not_ready_while_its_broker_is_away": 65,
    "tests/e2e/test_erasing.py::test_nothing_is_left_anywhere_by_the_proofs_date": 45,
    "tests/e2e/test_fleet.py::test_topics_that_are_kept_otherwise_are_refused_and_what_is_advised_helps": 30,
    "tests/e2e/test_prometheus.py": 60,
    "tests/e2e/test_whose_contact.py::test_a_persons_word_links_and_cuts_and_is_answered": 60,
    "tests/e2e/test_whose_contact.py::test_three_workers_and_kills_come_to_what_a_search_finds[1]": 60,
    "tests/e2e/test_whose_contact.py::test_a_known_number_is_its_customers_until_it_is_shared": 55,
    "tests/e2e/test_whose_contact.py::test_three_workers_and_kills_come_to_what_a_search_finds[2]": 50,
    "tests/e2e/test_fleet.py::test_partitions_added_to_an_input_and_what_helps": 45,
    "tests/e2e/test_live.py::test_a_contact_that_becomes_known_moves_to_its_customer": 45,
    "tests/e2e/test_rules_applied.py::test_applied_while_workers_run_and_one_is_killed": 60,
    "tests/integration/test_replay.py": 50,
    "tests/integration/notify/test_process.py": 60,
    "tests/integration/notify/test_webhook.py": 45,
    "tests/integration/notify/test_broker_away.py": 50,
    "tests/e2e/test_demo.py::test_the_demo_agrees_with_its_own_truth[3-6.0-20.0]": 47,
    "tests/e2e/test_demo.py::test_the_demo_agrees_with_its_own_truth[4-3.0-200.0]": 47,
    "tests/chaos/test_handled.py": 40,
    "tests/chaos/test_audited.py": 70,
    "tests/fuzz/test_fuzz.py": 90,
    "tests/fuzz/test_faults.py": 70,
    "tests/reference/test_reference.py": 65,
    "tests/reference/test_bounds.py": 55,
    "tests/unit/pipeline/test_relieved.py": 110,
    "tests/unit/customers/test_customers.py": 160,
    "tests/unit/demo/test_truth.py": 140,
    "tests/unit/schemas/test_contract_export.py": 80,
    "tests/unit/cli/test_no_broker.py": 70,
    "tests/unit/intake/test_masking_costs.py": 50,
}
"""Of what takes long, as measured on 2 cores; what is missing or wrong here costs balance, and nothing else."""
WAITS, STARTS, COMPUTES = 15.0, 3.0, 0.05
"""Of a test that is not in that list: with workers, without them, and without a broker."""

Unit = dict[str, bool]
"""The tests that are given together: is it done?"""


class Spread(LoadScopeScheduling):
    """Units of tests, from two queues."""

    def _split_scope(self, nodeid: str) -> str:
        return scope_of(nodeid)

    def _assign_work_unit(self, node: Any) -> None:
        """The longest of the node's own kind comes first in the queue, if there is one left."""
        waits = self.nodes.index(node) % 2 == 0
        order = sorted(self.workqueue.items(), key=lambda unit: (is_waiting(unit[0]) != waits, -seconds_of(*unit)))
        self.workqueue = OrderedDict(order)
        super()._assign_work_unit(node)


def scope_of(nodeid: str) -> str:
    """What a test is given together with: its file, or nothing."""
    file = nodeid.split("::", 1)[0]
    return nodeid if file.startswith(APART) and file not in TOGETHER else file


def is_waiting(scope: str) -> bool:
    """Does it wait more than it computes?"""
    return scope.startswith(WAITING)


def seconds_of(scope: str, unit: Unit) -> float:
    """How long it takes, about."""
    each = WAITS if scope.startswith("tests/e2e/") else STARTS if is_waiting(scope) else COMPUTES
    return SECONDS.get(scope) or len(unit) * each
