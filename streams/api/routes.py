"""The routes: what can be asked, and what is answered."""

from collections.abc import AsyncIterator
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.responses import StreamingResponse
from fastapi.security import HTTPBearer

from schemas.journeys import Journey
from streams.api import models
from streams.api.desk import Desk
from streams.api.problems import Refused, documented
from streams.api.who import Denied, Who
from streams.base.records import LIVE
from streams.base.times import to_ms
from streams.desk import words
from streams.desk.board import SEVERITIES, STATES, Filter, Held, checked, customer_of
from streams.desk.errors import CannotAsk
from streams.desk.following import place_of
from streams.desk.reading import now_ms
from streams.desk.rule_texts import RuleText, rules_in_force
from streams.desk.telling import evidence, matched

JSON = "application/json"
ALL = "all"
bearer = HTTPBearer(
    auto_error=False, scheme_name="bearer", description="A token of `contact-streams serve token`, or a JWT (OIDC)."
)
looked = documented(401, 422, 429, 503)
said = documented(400, 401, 403, 404, 409, 413, 422, 429, 503)
Name = Annotated[str, "An alert's fingerprint or episode, with or without the customer behind the @."]


def answer(value: Any, status: int = 200) -> Response:
    """JSON as it is; the models are for the document."""
    return Response(orjson.dumps(value), status, {"Cache-Control": "no-store"}, JSON)


def desk_of(request: Request) -> Desk:
    """The desk of the process."""
    found: Desk = request.app.state.desk
    return found


def who_of(request: Request) -> Who:
    """Who asks; the gate has let them in."""
    found: Who = request.state.who
    return found


Desks = Annotated[Desk, Depends(desk_of)]
Asking = Annotated[Who, Depends(who_of)]
router = APIRouter(dependencies=[Depends(bearer)])


def filter_of(asked: models.AlertFilter, *, default: frozenset[str] = frozenset()) -> Filter:
    """Raises `CannotAsk`."""
    states = checked(asked.state, STATES, "state", (ALL,))
    try:
        since = None if asked.since is None else to_ms(asked.since)
    except ValueError:
        raise CannotAsk(f"since: {asked.since!r} is no time; expected one such as 2026-03-02T09:15:00Z") from None
    return Filter(
        rules=frozenset(asked.rule),
        severities=checked(asked.severity, SEVERITIES, "severity"),
        states=frozenset(STATES) if ALL in states else states or default,
        customer=None if asked.customer is None else customer_of(asked.customer),
        queue=asked.queue,
        tier=asked.tier,
        since=since,
        line=asked.line or LIVE,
    )


def rules_of(desk: Desk) -> dict[str, RuleText]:
    """As they are in force: applied while workers ran, else as the files have them now. Raises `RulesError`."""
    return rules_in_force(desk.rules_dir, desk.known().applied.last)


@router.get("/alerts", response_model=models.Page, responses=looked, tags=["alerts"], operation_id="listAlerts")
async def alerts(desk: Desks, asked: Annotated[models.AlertQuery, Query()]) -> Response:
    """Alerts that are not over, or those that are asked for; the latest first."""
    found = desk.known().board.select(filter_of(asked), asked.limit + 1, _after(asked.after))
    page = found[: asked.limit]
    more = f"{page[-1].at}:{page[-1].fingerprint}" if len(found) > len(page) else None
    body = b",".join(each.raw for each in page)
    raw = b'{"alerts":[' + body + b'],"next":' + orjson.dumps(more) + b"}"
    return Response(raw, 200, {"Cache-Control": "no-store"}, JSON)


def _after(text: str | None) -> tuple[int, str] | None:
    if text is None:
        return None
    at, found, fingerprint = text.partition(":")
    if not found or not at.removeprefix("-").isdecimal() or len(at) > 20:
        raise CannotAsk(f"after: {text[:40]!r} is no `next` of a page")
    return int(at), fingerprint


@router.get(
    "/alerts/{alert_id:path}/history",
    response_model=models.History, responses=looked | documented(404), tags=["alerts"], operation_id="alertHistory",
)  # fmt: skip
async def history(desk: Desks, alert_id: Name, asked: Annotated[models.HistoryQuery, Query()]) -> Response:
    """Its steps, each with its reason; at most the latest 1,000."""
    steps = await desk.steps(desk.known().board.find(alert_id), every=asked.episode == ALL)
    return answer({"steps": steps})


@router.get(
    "/alerts/{alert_id:path}/journey",
    response_model=Journey, responses=looked | documented(404), tags=["alerts"], operation_id="alertJourney",
)  # fmt: skip
async def journey(desk: Desks, alert_id: Name) -> Response:
    """The journey of its customer that was heard of last; `others` names those that may still go on."""
    return answer(await desk.journey(desk.known().board.find(alert_id)))


@router.post(
    "/alerts/{alert_id:path}/commands",
    response_model=models.Sent, responses=said, status_code=202, tags=["commands"], operation_id="commandAlert",
)  # fmt: skip
async def command(desk: Desks, who: Asking, alert_id: Name, body: models.Command) -> Response:
    """Acknowledge, assign, comment, escalate, snooze or close it. Takes the role operator."""
    board = desk.known().board
    asked = words.Asked(body.action, body.until, body.to, body.note)
    event = await desk.voice.say(
        who, body.action, alert_id.partition("@")[0][:100], body.model_dump(exclude={"action"}),
        lambda speaker, now: words.commanded(board.find(alert_id), asked, speaker, now),
    )  # fmt: skip
    return answer({"command_id": event["id"], "target": event["data"]["alert_id"], "at": event["time"]}, 202)


@router.get(
    "/alerts/{alert_id:path}",
    response_model=models.Whole, responses=looked | documented(404), tags=["alerts"], operation_id="showAlert",
)  # fmt: skip
async def alert(desk: Desks, alert_id: Name) -> Response:
    """One alert with its evidence and its rule."""
    held = desk.known().board.find(alert_id)
    rule = rules_of(desk).get(held.rule)
    return answer({"alert": held.doc, "evidence": evidence(held.doc), "rule": rule, "links": _links(held)})


def _links(held: Held) -> dict[str, str]:
    return {name: f"/alerts/{held.short}/{name}" for name in ("history", "journey", "commands")}


@router.get(
    "/silences", response_model=models.SilenceList, responses=looked, tags=["silences"], operation_id="listSilences"
)
async def silences(desk: Desks, asked: Annotated[models.SilenceQuery, Query()]) -> Response:
    """Those that hold, or will."""
    now = now_ms()
    return answer({"silences": [each.doc(now) for each in desk.known().silences.those(now, every=asked.over)]})


@router.post(
    "/silences",
    response_model=models.SilenceSent, responses=said, status_code=202, tags=["silences"], operation_id="setSilence",
)  # fmt: skip
async def silence(desk: Desks, who: Asking, body: models.NewSilence) -> Response:
    """Set a silence. Takes the role operator."""
    asked, board = body.model_dump(), desk.known().board
    event = await desk.voice.say(
        who, "silence", body.silence_id, {name: value for name, value in asked.items() if name != "silence_id"},
        lambda speaker, now: words.silenced(asked, speaker, now),
    )  # fmt: skip
    return answer(
        {
            "command_id": event["id"], "target": event["data"]["silence_id"], "at": event["time"],
            "matches": matched(body.matchers, board),
        }, 202,
    )  # fmt: skip


@router.delete(
    "/silences/{silence_id:path}",
    response_model=models.Sent, responses=said, status_code=202, tags=["silences"], operation_id="endSilence",
)  # fmt: skip
async def unsilence(desk: Desks, who: Asking, silence_id: str) -> Response:
    """End a silence before its time. Takes the role operator, for one that somebody else has set admin."""
    known = desk.known().silences

    def ended(speaker: words.Speaker, now: int) -> words.Event:
        return words.ended(known.find(silence_id), None, speaker, now)

    others = any(each.silence_id == silence_id and each.by != who.name for each in known.those(now_ms()))
    event = await desk.voice.say(
        who, "end-silence", silence_id[:200], {}, ended, role="admin" if others else "operator"
    )  # fmt: skip
    return answer({"command_id": event["id"], "target": silence_id, "at": event["time"]}, 202)


@router.get("/rules", response_model=models.Rules, responses=looked, tags=["rules"], operation_id="listRules")
async def rules(desk: Desks) -> Response:
    """The rules of alerts in force: those that were applied while workers ran, else those of this process's folder."""
    return answer({"rules": list(rules_of(desk).values())})


@router.get(
    "/stream",
    responses=looked | {200: {"description": "Server-sent events", "content": {"text/event-stream": {}}}},
    response_class=StreamingResponse, tags=["alerts"], operation_id="streamSteps",
)  # fmt: skip
async def stream(
    request: Request,
    desk: Desks,
    who: Asking,
    asked: Annotated[models.AlertFilter, Query()],
    last_event_id: Annotated[str | None, Header(description="The id heard last: the stream goes on behind it.")] = None,
) -> Response:
    """Every step of the alerts that are asked for, as it comes: events `step`, whose data is an AlertEvent."""
    desk.known()
    start = None if not last_event_id else place_of(last_event_id)
    wanted = filter_of(asked, default=frozenset(STATES))
    if desk.streams.full(who):
        raise Refused(429, "too-many-streams", "too many streams are open", {"Retry-After": "15"})
    header = request.headers.get("authorization", "")
    told = desk.streams.told(who, wanted, start, lambda: _still(desk, who, header))
    return StreamingResponse(
        _counted(desk, told), media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )  # fmt: skip


async def _counted(desk: Desk, told: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    with desk.metrics.streams.track_inprogress():
        async for part in told:
            yield part


def _still(desk: Desk, who: Who, header: str) -> bool:
    """Would it be let in now? A provider's token until its end, one of ours until it is revoked."""
    if who.by == "oidc":
        return now_ms() < who.until
    try:
        return desk.keys.tokens is not None and bool(desk.keys.tokens.who(header.partition(" ")[2].strip(), now_ms()))
    except Denied:
        return False


open_router = APIRouter(tags=["the process"])


@open_router.get("/healthz", response_model=models.Health, operation_id="healthz")
async def healthz() -> Response:
    """It is there."""
    return answer({"status": "alive", "why": []})


@open_router.get(
    "/readyz", response_model=models.Health, operation_id="readyz", responses={503: {"model": models.Health}}
)
async def readyz(desk: Desks) -> Response:
    """It knows how alerts stand; else why not."""
    why = [desk.follower.tail.why] if desk.follower.tail.why else []
    return answer({"status": "not ready" if why else "ready", "why": why}, 503 if why else 200)


@open_router.get("/metrics", operation_id="metrics", response_class=Response)
async def metrics(desk: Desks) -> Response:
    """For Prometheus."""
    board = desk.follower.board
    desk.metrics.held.set(len(board))
    desk.metrics.left_out.set(board.left_out)
    text, kind = desk.metrics.exposition()
    return Response(text, headers={"Content-Type": kind})
