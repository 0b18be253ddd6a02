"""The OpenAPI document: complete, consistent, and what is answered."""

import asyncio
import re
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from streams.api.app import build
from streams.api.desk import Desk
from streams.api.docs_page import page
from streams.api.gate import OPEN, Keys
from streams.api.problems import MEDIA
from streams.engine.connection import Connection
from tests.support import alerts as made
from tests.support.pages import ROOT, text


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    async def built() -> dict[str, Any]:
        return build(Desk(Connection("127.0.0.1:1"), "", None, Keys()), 600).openapi()

    return asyncio.run(built())


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for each in value.values():
            yield from references(each)
    elif isinstance(value, list):
        for each in value:
            yield from references(each)


def test_every_route_is_there(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    assert {(method, path) for path, method, _ in operations(document)} == {
        ("get", "/alerts"), ("get", "/alerts/{alert_id}"), ("get", "/alerts/{alert_id}/history"),
        ("get", "/alerts/{alert_id}/journey"), ("post", "/alerts/{alert_id}/commands"), ("get", "/silences"),
        ("post", "/silences"), ("delete", "/silences/{silence_id}"), ("get", "/rules"), ("get", "/stream"),
        ("get", "/healthz"), ("get", "/readyz"), ("get", "/metrics"),
    }  # fmt: skip


def test_every_operation_says_who_may_and_what_goes_wrong(document: dict[str, Any]) -> None:
    names = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(set(names)) == len(names)
    for path, method, operation in operations(document):
        assert operation["description"].endswith(".")
        answers = operation["responses"]
        if path in OPEN:
            assert "security" not in operation
            continue
        assert operation["security"] == [{"bearer": []}]
        assert {"401", "422", "429", "503"} <= answers.keys()
        if method != "get":
            assert {"202", "400", "403", "404", "409", "413"} <= answers.keys()
        for status, answer in answers.items():
            if status >= "400":
                assert list(answer["content"]) == [MEDIA]


def test_every_reference_leads_somewhere_and_every_schema_is_one(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    for each in references(document):
        assert each.removeprefix("#/components/schemas/") in schemas
    for schema in schemas.values():
        Draft202012Validator.check_schema(schema)
    assert not {"HTTPValidationError", "ValidationError"} & schemas.keys()


def test_an_alert_fits_its_schema(document: dict[str, Any]) -> None:
    def check(name: str, value: Any) -> None:
        Draft202012Validator({"$ref": f"#/components/schemas/{name}", "components": document["components"]}).validate(
            value
        )

    check("Alert", made.alert())
    check("AlertEvent", made.step(made.alert()))
    check("Journey", made.journey())
    check("Page", {"alerts": [made.alert()], "next": None})


def test_the_page_holds_it_all_and_nothing_from_elsewhere(document: dict[str, Any]) -> None:
    told = page(document)
    for path, _, operation in operations(document):
        assert path in told
        assert f"<h2 id={operation['operationId']}>" in told
    assert not re.search(r"<script|src=|https?://", told)


def test_every_route_is_in_the_docs(document: dict[str, Any]) -> None:
    said = text(ROOT / "docs" / "api.md")
    for path, method, _ in operations(document):
        short = path.replace("alert_id", "id").replace("silence_id", "id")
        assert f"`{method.upper()} {short}`" in said
