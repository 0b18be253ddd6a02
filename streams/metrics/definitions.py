"""What each KPI of the catalogue means: in words, by variant, with an example and where the definition comes from.

`contact-streams kpis explain` and the page docs/kpi-catalogue.md are made from it. Numbers are not written down
here: an example says amounts, and the KPI's own formula reads them.
"""

from streams.base.times import HOUR_MS
from streams.metrics.accumulators import step_of
from streams.metrics.terms import Definition

_KOOLE = "G. Koole, *Call Center Optimization* (2013), on service level, abandonment and their definitions"
_GANS = 'Gans, Koole and Mandelbaum, "Telephone Call Centers: Tutorial, Review, and Research Prospects" (2003)'
_REPLIES = "first and next reply time as help desks promise them, kept apart for bots and humans"
_SETTLES = (
    "7 days after its window (`journeys.repeat`, `journeys.need`), when no repeat and no reopening changes it any more"
)
_OWN = "this project, [which contact, which answer, which outcome](metrics.md#which-contact-which-answer-which-outcome)"

_LEGS = {
    "answered": 1000,
    "answered_in_time": 860,
    "abandoned": 60,
    "abandoned_in_time": 20,
    "short_abandoned": 10,
    "flowed_out": 40,
    "waiting_reached": 30,
}
_CONTACTS = {"contacts_answered": 900, "contacts_abandoned": 70, "contacts_flowed_out": 30, "contacts_in_time": 800}

DEFINITIONS: dict[str, Definition] = {
    "contacts_offered": Definition(
        "Contacts that asked for a human and of which the outcome is known: answered, given up, or flowed out "
        "(voicemail, call-back taken). One that our side opened asked for nothing.",
        {"all": "every outcome"},
        _OWN,
        _CONTACTS,
    ),
    "contacts_contained": Definition(
        "Contacts that asked for no human and were served by a menu or a bot.",
        {"all": "ended by anyone"},
        _OWN,
        {"contained": 120},
    ),
    "contacts_left": Definition(
        "Contacts that asked for no human, and from which the customer went before anything was done.",
        {"all": "every one"},
        _OWN,
        {"left": 14},
    ),
    "contacts_reopened": Definition(
        "Times that a contact went on after its end or after a time-out, under the same id.",
        {"all": "each time counts"},
        _OWN,
        {"reopened": 9},
    ),
    "contacts_turned_away": Definition(
        "Times that a contact was not let into a queue, because it was full or closed.",
        {"all": "each time counts"},
        _OWN,
        {"turned_away": 3},
    ),
    "legs_entered": Definition(
        "Stays that began in a queue. It is by the time of entering, where rates over legs are by that of leaving.",
        {"all": "every stay"},
        _GANS,
        {"entered": 1130},
    ),
    "service_level": Definition(
        "Share of queue legs that were answered within t of entering, t inclusive. The variants differ in what an "
        "abandoned leg is: a hit, a miss, or not counted.",
        {
            "reached_threshold": "the default of live boards: who still waits and has waited for t or longer is a miss "
            "already; an abandoned leg is a miss",
            "abandon_in_time_is_hit": "who gave up within t counts as a hit",
            "answered_only": "abandoned legs do not count",
            "all_abandons_count": "every abandoned leg is a miss",
            "in_threshold_abandons_excluded": "who gave up within t does not count, later ones are misses",
            "short_abandons_positive": "short abandons are hits, later ones misses",
            "short_abandons_excluded": "short abandons do not count, later ones are misses",
        },
        _KOOLE,
        _LEGS,
    ),
    "abandonment": Definition(
        "Share of those who left by the customer's own act before they were answered. Flowing out is neither answered "
        "nor abandoned. Messaging, e-mail, tickets and tasks have none.",
        {
            "of_left": "of the legs that left the queue",
            "short": "of the legs that left: given up within the time of a short abandon, inclusive",
            "of_offered": "of the contacts that asked for a human",
        },
        _KOOLE,
        _LEGS | _CONTACTS,
    ),
    "time_to_abandon": Definition(
        "How long those waited who gave up. It is not the patience of all: those who were answered would have waited "
        "longer, and staffing counts their waits in.",
        {"mean": "over abandoned legs"},
        _KOOLE,
        {"abandoned": 4, "abandoned_wait_ms": 360_000},
    ),
    "flow_out": Definition(
        "Share of legs that left as a third outcome: to voicemail, by a call-back taken, into another queue, or by the "
        "channel's time-out.",
        {"of_left": "of the legs that left the queue"},
        _OWN,
        _LEGS,
    ),
    "speed_of_answer": Definition(
        "From entering the queue to the answer: connected to a human, in writing also a human's message.",
        {
            "answered_legs": "the mean over answered legs (ASA)",
            "all_contacts": "the mean over answered contacts, all their legs together; one that did not queue is 0",
        },
        f"{_GANS}; percentiles by nearest rank, within 1 % ([percentiles](metrics.md#percentiles))",
        {"answered": 10, "answered_wait_ms": 180_000, "contacts_answered": 12, "contacts_wait_ms": 180_000},
    ),
    "wait_forecast": Definition(
        "How well expected waits come out: when a leg is answered, what was to be expected as it entered is held "
        "against what it waited. Legs that did not wait, or left otherwise, are not judged.",
        {
            "error": "expected wait less wait, the mean: above 0 where people are told more than they wait",
            "absolute_error": "the mean of the differences, whatever their sign",
            "unknown": "share of the answered legs of which no wait could be told: nobody who had waited was answered "
            "in the quarter of an hour before",
        },
        'this project, [expected waits](metrics.md#expected-waits); W. Whitt, "Predicting Queueing Delays", '
        "Management Science (1999)",
        {"forecast_judged": 40, "forecast_error_ms": -60_000, "forecast_absolute_ms": 840_000, "forecast_unknown": 2},
    ),
    "answered_in_time": Definition(
        "Share of contacts that were answered after a wait of at most t, all their legs together.",
        {
            "of_offered": "of the contacts that asked for a human",
            "of_answered": "of the answered contacts",
        },
        _KOOLE,
        _CONTACTS,
    ),
    "handle_time": Definition(
        "Time that humans spent on a contact, by handled contacts (AHT). It counts when the contact ended, once, "
        "however late after-contact work is told.",
        {
            "all": "talk, hold and after-contact work",
            "talk": "talk alone",
            "hold": "hold alone",
            "wrap": "after-contact work alone",
        },
        _GANS,
        {"handled": 50, "talk_ms": 9_000_000, "hold_ms": 1_000_000, "wrap_ms": 2_000_000},
    ),
    "first_response": Definition(
        "From the customer's first message to the first reply, through idle time. Of a contact that our side opened it "
        "runs from the customer's first message.",
        {
            "any": "replies of bots included",
            "human_from_start": "the first reply of a human, from the first message of the asking in which it came",
            "human_from_handoff": "the first reply of a human, from the hand-over by the bot",
            "after_reopen": "as human_from_start, of each asking after an end or a solution",
        },
        _REPLIES,
        {
            "first_any": 40,
            "first_any_ms": 400_000,
            "first_from_start": 30,
            "first_from_start_ms": 1_800_000,
            "first_from_handoff": 20,
            "first_from_handoff_ms": 900_000,
            "first_after_reopen": 5,
            "first_after_reopen_ms": 600_000,
        },
    ),
    "next_response": Definition(
        "From the oldest customer message to which no human had replied to the next reply of a human, but for the "
        "contact's first.",
        {"human": "humans alone; a bot's time is nobody's response"},
        _REPLIES,
        {"next_response": 8, "next_response_ms": 720_000},
    ),
    "transfer_rate": Definition(
        "Share of handled contacts that were transferred at least once.",
        {"of_handled": "of the contacts that a human handled"},
        _GANS,
        {"handled": 50, "transferred": 6},
    ),
    "containment": Definition(
        "Share of the contacts that a menu or a bot had first and that ended without a human.",
        {"of_machine": "of those that are over ([which](metrics.md#contained-by-a-machine))"},
        _OWN,
        {"by_machine": 200, "by_machine_alone": 120},
    ),
    "callbacks_kept": Definition(
        "Share of the call-backs asked for in which a human spoke with the customer in time: within 24 hours, or until "
        "an hour after the time that was agreed.",
        {"of_requested": "in the window in which they were asked for"},
        _OWN,
        {"callbacks": 20, "callbacks_kept": 17},
        "when the time in which it had to come is over",
    ),
    "resolution_time": Definition(
        "From the beginning of a journey's first contact to its solution, through everything in between.",
        {"first": "to the first solution", "full": "to the last solution so far"},
        _REPLIES,
        {"solved": 30, "solved_ms": 108_000_000, "resolved": 30, "resolved_ms": 162_000_000},
        f"full: {_SETTLES}",
    ),
    "resolution_rate": Definition(
        "Share of the journeys solved that were not reopened within 7 days (`journeys.repeat`).",
        {"not_reopened": "in the window of the first solution"},
        _OWN,
        {"solved": 30, "stayed_solved": 27},
        _SETTLES,
    ),
    "fcr": Definition(
        "First contact resolution: share of the journeys solved for which the customer came once, on any channel, and "
        "did not come again for the same need within 7 days.",
        {"of_solved": "in the window of the first solution"},
        "ICMI and COPC practice: no repeat contact for the same need within a stated time",
        {"solved": 30, "solved_once": 21},
        _SETTLES,
    ),
    "journeys_reopened": Definition(
        "Times that journeys were reopened after a solution.",
        {"all": "in the window of the last solution"},
        _OWN,
        {"resolved_reopens": 4},
        _SETTLES,
    ),
    "effort": Definition(
        "What a solution took of the customer, in thousandths: 1,500 = 1.5.",
        {"contacts": "contacts of a solved journey", "transfers": "transfers of a solved journey"},
        "Dixon, Toman and DeLisi, *The Effortless Experience* (2013), on repeat contacts and transfers as effort",
        {"resolved": 30, "resolved_contacts": 42, "resolved_transfers": 9},
        _SETTLES,
    ),
    "backlog": Definition(
        "Journeys that are open at the moment of the reading: begun, and not solved, given up or closed by then.",
        {
            "open": "how many there are, in the place of the contact that came last",
            "age_p50": "the median of the times since they began",
            "age_p90": "what 90 % of these times do not exceed",
        },
        f"{_OWN}; help desks call it open tickets, and their age",
        {
            "open_journeys": 10,
            "open_ages": {step_of(2 * HOUR_MS): 6, step_of(30 * HOUR_MS): 3, step_of(216 * HOUR_MS): 1},
        },
    ),
    "occupancy": Definition(
        "Share of agents' ready time that they spent on contacts, after-contact work included; several contacts at "
        "once count once. Each queue that an agent serves counts all of the agent's time.",
        {"of_ready_time": "by the states of agents, under the channel `all` ([how](metrics.md#occupancy))"},
        _GANS,
        {"occupied_ms": 52_362_000, "idle_ms": 7_638_000},
    ),
    "csat": Definition(
        "Satisfaction by the answers to surveys, on the scale and with the cut of kpis.yaml. One answer per contact: "
        "the last one.",
        {
            "satisfied": "share of answers from the cut up (4 and 5 of 1 to 5: the top two boxes)",
            "mean_score": "mean of the answers",
        },
        "Farris et al., *Marketing Metrics* (2010), on customer satisfaction as a top-box share",
        {"csat": 107, "csat_satisfied": 74, "csat_milli": 419_000},
    ),
    "nps": Definition(
        "Promoters (9 and 10 of 0 to 10) less detractors (0 to 6), in points; 7 and 8 stay below the line.",
        {
            "last_answer": "of each customer the last answer in the window, where it was given",
            "every_answer": "each answer counts, not each customer's last one",
        },
        'F. Reichheld, "The One Number You Need to Grow", Harvard Business Review (2003)',
        {"nps": 100, "nps_promoters": 40, "nps_detractors": 30},
    ),
    "ces": Definition(
        "Effort by the answers to surveys, on the scale and with the cut of kpis.yaml. The highest is the least "
        "effort.",
        {"easy": "share of answers from the cut up (5 to 7 of 1 to 7)"},
        "Dixon, Toman and DeLisi, *The Effortless Experience* (2013)",
        {"ces": 25, "ces_easy": 18},
    ),
    "sentiment": Definition(
        "How customers' messages sound, −1 to 1 in thousandths. A message of which nothing can be told is not counted, "
        "and is not 0.",
        {"mean": "over customer messages"},
        "this project, [sentiment](metrics.md#the-catalogue): the connector's score, else the scorer's",
        {"sentiment": 40, "sentiment_milli": -6_000},
    ),
    "quality": Definition(
        "How well contacts were served, 0 to 1 in thousandths, each in the window of its end. A side of which nothing "
        "is known is not counted, and is not 0.",
        {
            "business": "is the need met, how fast, by how many hands",
            "human": "attention, respect, reassurance, as agents' texts show them",
            "hidden": "what was expected, promised and prescribed",
        },
        "this project, [quality of contacts](quality.md)",
        {
            "quality_business": 40,
            "quality_business_milli": 34_000,
            "quality_human": 25,
            "quality_human_milli": 15_500,
            "quality_hidden": 32,
            "quality_hidden_milli": 24_000,
        },
        "7 days after its window, when the scores of its contacts are",
    ),
    "longest_wait": Definition(
        "The longest wait of a queue.",
        {
            "left": "of the legs that left in the window, whatever became of them",
            "now": "of the legs that wait at the window's end: how long the oldest has",
        },
        _GANS,
        {"longest": ((95_000, 1), (40_000, 2)), "oldest": 1, "oldest_waits_ms": 62_000},
    ),
    "queue_depth": Definition(
        "Legs that wait at the window's end.",
        {"now": "in the records of the shortest window alone, where that window has data"},
        _GANS,
        {"waiting": 7},
    ),
}
