"""The application: routes behind the gate."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from importlib import metadata

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, Response
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware

from streams.api import docs_page, problems
from streams.api.desk import Desk
from streams.api.gate import Gate
from streams.api.routes import open_router, router
from streams.base.errors import UserError
from streams.desk.errors import DeskError

ABOUT = (
    "Alerts with their evidence, rule, history and their customer's journey; commands, silences and a live stream. "
    "What is refused is application/problem+json (RFC 9457). A command is answered with 202: the broker has it; what "
    "becomes of it is told by /stream."
)


def build(desk: Desk, per_minute: int, origins: Sequence[str] = ()) -> FastAPI:
    """For one process; the desk runs for as long as the application does."""

    @asynccontextmanager
    async def running(_: FastAPI) -> AsyncIterator[None]:
        async with desk.running():
            yield

    app = FastAPI(
        title="Contact Streams: alerts",
        version=metadata.version("contact-streams"),
        description=ABOUT,
        lifespan=running,
        docs_url=None,
        redoc_url=None,
        responses={},
    )
    app.state.desk = desk
    app.include_router(router)
    app.include_router(open_router)
    app.add_api_route("/docs", _docs, include_in_schema=False)
    app.add_middleware(Gate, keys=desk.keys, per_minute=per_minute, metrics=desk.metrics)
    if origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(origins),
            allow_methods=["GET", "POST", "DELETE"],
            allow_headers=["Authorization", "Content-Type", "Last-Event-ID"],
        )
    app.add_exception_handler(DeskError, problems.on_desk)
    app.add_exception_handler(UserError, problems.on_user)
    app.add_exception_handler(problems.Refused, problems.on_refused)
    app.add_exception_handler(RequestValidationError, _on_validation)
    app.add_exception_handler(HTTPException, problems.on_http)
    app.add_exception_handler(Exception, problems.on_fault)
    _document(app)
    return app


def _document(app: FastAPI) -> None:
    """The OpenAPI document, with the model of problems; mistakes are told by it and not as FastAPI tells them."""
    document = app.openapi()
    models = document["components"]["schemas"]
    for name in ("HTTPValidationError", "ValidationError"):
        models.pop(name, None)
    models["Problem"] = problems.Problem.model_json_schema()
    app.openapi_schema = document


async def _docs(request: Request) -> Response:
    return HTMLResponse(docs_page.page(request.app.openapi()), headers={"Content-Security-Policy": docs_page.POLICY})


async def _on_validation(request: Request, error: Exception) -> Response:
    """A body or a query that means nothing; the audit hears of it where it was to be a command."""
    assert isinstance(error, RequestValidationError)
    refused = problems.of_validation(error)
    if request.method in ("POST", "DELETE") and hasattr(request.state, "who"):
        desk: Desk = request.app.state.desk
        action = "silence" if request.url.path.startswith("/silences") else "command"
        try:
            await desk.voice.refused(request.state.who, action, refused.status_code, refused.detail)
        except UserError as failed:
            return await problems.on_user(request, failed)
    return refused.response
