"""Every event type of the contract, and the one function that reads them all.

``parse`` works on an already decoded JSON object; ``check`` tells what is wrong with one in plain words::

    event = parse(json.loads(payload))      # CloudEvent; raises pydantic.ValidationError
    problem = check(json.loads(payload))    # None, or Problem(reason, path, message)
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, Field, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from schemas import data as d
from schemas import other_data as o
from schemas.envelope import CloudEvent
from schemas.fields import Text, Words
from schemas.problems import Problem, describe

ContactInitiated = CloudEvent[Literal["contact.initiated"], d.ContactInitiatedData]
ContactReopened = CloudEvent[Literal["contact.reopened"], d.ContactReopenedData]
ContactQueued = CloudEvent[Literal["contact.queued"], d.ContactQueuedData]
ContactLeftQueue = CloudEvent[Literal["contact.left_queue"], d.ContactLeftQueueData]
ContactTurnedAway = CloudEvent[Literal["contact.turned_away"], d.ContactTurnedAwayData]
ContactAssigned = CloudEvent[Literal["contact.assigned"], d.ContactAssignedData]
ContactOffered = CloudEvent[Literal["contact.offered"], d.ContactOfferedData]
ContactMissed = CloudEvent[Literal["contact.missed"], d.ContactMissedData]
ContactConnected = CloudEvent[Literal["contact.connected"], d.ContactConnectedData]
ContactHeld = CloudEvent[Literal["contact.held"], d.ContactHeldData]
ContactResumed = CloudEvent[Literal["contact.resumed"], d.ContactResumedData]
ContactTransferred = CloudEvent[Literal["contact.transferred"], d.ContactTransferredData]
ContactHandedOff = CloudEvent[Literal["contact.handed_off"], d.ContactHandedOffData]
ContactCallbackRequested = CloudEvent[Literal["contact.callback_requested"], d.ContactCallbackRequestedData]
ContactWrappedUp = CloudEvent[Literal["contact.wrapped_up"], d.ContactWrappedUpData]
ContactEnded = CloudEvent[Literal["contact.ended"], d.ContactEndedData]
MessageSent = CloudEvent[Literal["message.sent"], d.MessageSentData]
MessageChanged = CloudEvent[Literal["message.changed"], d.MessageChangedData]
FeedbackGiven = CloudEvent[Literal["feedback.given"], d.FeedbackGivenData]
ArticleViewed = CloudEvent[Literal["article.viewed"], d.ArticleViewedData]
SearchFailed = CloudEvent[Literal["search.failed"], d.SearchFailedData]
PostMade = CloudEvent[Literal["post.made"], d.PostMadeData]
PostAnswered = CloudEvent[Literal["post.answered"], d.PostAnsweredData]
CaseOpened = CloudEvent[Literal["case.opened"], d.CaseOpenedData]
CaseSolved = CloudEvent[Literal["case.solved"], d.CaseSolvedData]
CaseReopened = CloudEvent[Literal["case.reopened"], d.CaseReopenedData]
VisitMade = CloudEvent[Literal["visit.made"], d.VisitMadeData]
CustomerProfileChanged = CloudEvent[Literal["customer.profile_changed"], o.CustomerProfileChangedData]
OrderPlaced = CloudEvent[Literal["order.placed"], o.OrderPlacedData]
OrderDelivered = CloudEvent[Literal["order.delivered"], o.OrderDeliveredData]
PromiseMade = CloudEvent[Literal["promise.made"], o.PromiseMadeData]
PromiseKept = CloudEvent[Literal["promise.kept"], o.PromiseKeptData]
CustomerErased = CloudEvent[Literal["customer.erased"], o.CustomerErasedData]
AgentStateChanged = CloudEvent[Literal["agent.state_changed"], o.AgentStateChangedData]
AlertCommanded = CloudEvent[Literal["alert.commanded"], o.AlertCommandedData]
SilenceSet = CloudEvent[Literal["silence.set"], o.SilenceSetData]
SilenceEnded = CloudEvent[Literal["silence.ended"], o.SilenceEndedData]
AlertRulesApplied = CloudEvent[Literal["alert.rules.applied"], o.AlertRulesAppliedData]
IdentityLinked = CloudEvent[Literal["identity.linked"], o.IdentityLinkedData]
IdentityCut = CloudEvent[Literal["identity.cut"], o.IdentityCutData]
ReplayStarted = CloudEvent[Literal["replay.started"], o.ReplayStartedData]
ReplayProgressed = CloudEvent[Literal["replay.progressed"], o.ReplayProgressedData]
ReplayEnded = CloudEvent[Literal["replay.ended"], o.ReplayEndedData]

ReplayEvent = ReplayStarted | ReplayProgressed | ReplayEnded
ContactEvent = (
    ContactInitiated
    | ContactReopened
    | ContactQueued
    | ContactLeftQueue
    | ContactTurnedAway
    | ContactAssigned
    | ContactOffered
    | ContactMissed
    | ContactConnected
    | ContactHeld
    | ContactResumed
    | ContactTransferred
    | ContactHandedOff
    | ContactCallbackRequested
    | ContactWrappedUp
    | ContactEnded
    | MessageSent
    | MessageChanged
    | FeedbackGiven
    | ArticleViewed
    | SearchFailed
    | PostMade
    | PostAnswered
    | CaseOpened
    | CaseSolved
    | CaseReopened
    | VisitMade
)

ContactTopicEvent = ContactEvent | ReplayEvent
"""What a ``contacts.<channel>`` topic carries."""
CustomerTopicEvent = CustomerProfileChanged | CustomerErased | ReplayEvent
"""What ``customers.profile`` carries."""
OwnEvent = OrderPlaced | OrderDelivered | PromiseMade | PromiseKept
OwnTopicEvent = OwnEvent | ReplayEvent
"""What ``customers.events`` carries."""
AgentTopicEvent = AgentStateChanged | ReplayEvent
"""What ``agents.state`` carries."""
SilenceTopicEvent = SilenceSet | SilenceEnded
"""What ``alert.silences`` carries."""
IdentityTopicEvent = IdentityLinked | IdentityCut | ReplayEvent
"""What ``identity.commands`` carries."""
Event = (
    ContactEvent
    | CustomerProfileChanged
    | OwnEvent
    | CustomerErased
    | AgentStateChanged
    | AlertCommanded
    | SilenceSet
    | SilenceEnded
    | AlertRulesApplied
    | IdentityLinked
    | IdentityCut
    | ReplayEvent
)
"""Every event anyone may publish."""


def _data_of(model: type[CloudEvent[Any, Any]]) -> type[BaseModel]:
    found: type[BaseModel] = model.model_fields["data"].annotation  # type: ignore[assignment]
    return found


EVENTS: Mapping[str, type[CloudEvent[Any, Any]]] = {
    get_args(model.model_fields["type"].annotation)[0]: model for model in get_args(Event)
}
"""Event type → model."""


def _is_own(kind: str, name: str) -> bool:
    """The case of what happens to a case is no mere word about the contact."""
    return name == "case_id" and kind.startswith("case.")


FIELDS: Mapping[str, tuple[str, ...]] = {
    kind: tuple(
        name for name in _data_of(model).model_fields if name not in d.ContactData.model_fields or _is_own(kind, name)
    )
    for kind, model in EVENTS.items()
}
"""Event type → the fields of its data beyond those of every contact event."""

DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    kind: {
        name: field.default
        for name, field in _data_of(model).model_fields.items()
        if not field.is_required() and field.default is not None
    }
    for kind, model in EVENTS.items()
}
"""Event type → field of its data → what it means to leave it out."""


def _of_kind(model: type[CloudEvent[Any, Any]], *kinds: object) -> tuple[str, ...]:
    fields = _data_of(model).model_fields.items()
    return tuple(name for name, field in fields if any(_is(field, kind) for kind in kinds))


def _is(field: FieldInfo, kind: object) -> bool:
    """Has it this annotated type? Of a field that has to be there pydantic takes the annotation apart."""
    base, *marks = get_args(kind)
    return kind in get_args(field.annotation) or (field.annotation is base and [*field.metadata] == marks)


TEXTS: Mapping[str, tuple[str, ...]] = {kind: _of_kind(model, Text, Words) for kind, model in EVENTS.items()}
"""Event type → the fields of its data in which people write what they like: personal data in them is masked."""


def _of_type(model: type[CloudEvent[Any, Any]], wanted: type) -> tuple[str, ...]:
    found = []
    for name, field in _data_of(model).model_fields.items():
        kinds = (field.annotation, *get_args(field.annotation))
        if wanted in [getattr(kind, "__origin__", kind) for kind in kinds]:
            found.append(name)
    return tuple(found)


TIMES: Mapping[str, tuple[str, ...]] = {kind: _of_type(model, datetime) for kind, model in EVENTS.items()}
"""Event type → the fields of its data that are times."""
NUMBERS: Mapping[str, tuple[str, ...]] = {kind: _of_type(model, float) for kind, model in EVENTS.items()}
"""Event type → the fields of its data that need not be whole numbers."""

_adapter: TypeAdapter[Event] = TypeAdapter(Annotated[Event, Field(discriminator="type")])
parse: Callable[[object], CloudEvent[Any, Any]] = _adapter.validator.validate_python
"""``parse(obj)``: the event a decoded JSON object stands for, of one of the models in ``EVENTS``.

Raises ``pydantic.ValidationError``; ``problem_of`` puts it into plain words. It is the prebuilt validator itself: it is
called once an event, and a Python function around it would cost a tenth more.
"""


def problem_of(error: ValidationError) -> Problem:
    """Why ``parse`` refused, in plain words. Never raises."""
    return describe(error, EVENTS)


def check(obj: object) -> Problem | None:
    """What is wrong with a decoded JSON value as an event; ``None`` when nothing is. Never raises."""
    try:
        parse(obj)
    except ValidationError as error:
        return problem_of(error)
    return None
