"""What goes wrong, as RFC 9457 has it: ``application/problem+json``."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import orjson
from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.responses import Response

from streams.base.errors import UserError
from streams.desk.errors import DeskError

MEDIA = "application/problem+json"
MOST_SHOWN = 5
"""Mistakes of one body that are told."""


class Problem(BaseModel):
    """Why a request was not answered as it was meant."""

    type: str = Field(description="A word for programs: `urn:contact-streams:<word>`.")
    title: str
    status: int
    detail: str = Field(description="For people: what was given, and what was expected.")


class Refused(HTTPException):
    """A request that ends here. An ``HTTPException``, since FastAPI lets nothing else out of the reading of a body."""

    def __init__(self, status: int, kind: str, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status, detail, headers)
        self.kind = kind

    @property
    def response(self) -> Response:
        """What is answered."""
        return answer(self.status_code, self.kind, self.detail, self.headers)


def answer(status: int, kind: str, detail: str, headers: Mapping[str, str] | None = None) -> Response:
    """A problem."""
    title = HTTPStatus(status).phrase
    problem = {"type": f"urn:contact-streams:{kind}", "title": title, "status": status, "detail": detail}
    return Response(orjson.dumps(problem), status, {"Cache-Control": "no-store", **(headers or {})}, MEDIA)


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """For the OpenAPI document: these statuses are problems."""
    return {
        status: {
            "description": HTTPStatus(status).phrase,
            "content": {MEDIA: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status in statuses
    }


def of_validation(error: RequestValidationError) -> Refused:
    """What FastAPI finds in a query or a body."""
    found = error.errors()
    if any(each["type"] == "json_invalid" for each in found):
        return Refused(400, "no-json", "the body is no JSON")
    said = [f"{'.'.join(str(step) for step in each['loc'][1:]) or each['loc'][0]}: {each['msg']}" for each in found]
    more = f" (and {len(said) - MOST_SHOWN} more)" if len(said) > MOST_SHOWN else ""
    return Refused(422, "not-understood", "; ".join(said[:MOST_SHOWN]) + more)


async def on_desk(_: Request, error: Exception) -> Response:
    """What the desk cannot do."""
    assert isinstance(error, DeskError)
    return answer(error.status, error.kind, str(error))


async def on_user(_: Request, error: Exception) -> Response:
    """The broker, or a file of ours."""
    assert isinstance(error, UserError)
    return answer(503, "not-now", str(error), {"Retry-After": "5"})


async def on_refused(_: Request, error: Exception) -> Response:
    """What we refuse."""
    assert isinstance(error, Refused)
    return error.response


async def on_http(_: Request, error: Exception) -> Response:
    """What the router finds: no such path, no such method."""
    assert isinstance(error, HTTPException)
    kinds = {404: "no-such-path", 405: "no-such-method"}
    return answer(error.status_code, kinds.get(error.status_code, "refused"), str(error.detail), error.headers)


async def on_fault(_: Request, error: Exception) -> Response:
    """A fault of ours; what it is stands in the log."""
    return answer(500, "fault", "a fault of the server; its log says more")
