"""The OpenAPI document as a page, in one piece: nothing of it comes from elsewhere."""

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:60em;margin:2em auto;padding:0 1em;color:#1a202c}"
    "code{background:#edf2f7;padding:.1em .3em;border-radius:3px}h2{margin-top:2em;border-bottom:1px solid #cbd5e0}"
    "td,th{text-align:left;vertical-align:top;padding:.2em 1em .2em 0}.m{font-weight:700;text-transform:uppercase}"
)
POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"


def page(document: Mapping[str, Any]) -> str:
    """HTML."""
    about = document["info"]
    head = f"<!doctype html><meta charset=utf-8><title>{escape(about['title'])}</title><style>{STYLE}</style>"
    said = f"<h1>{escape(about['title'])}</h1><p>{escape(about['description'])}</p>"
    return head + said + "".join(_operations(document))


def _operations(document: Mapping[str, Any]) -> Iterator[str]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            title = f"<span class=m>{escape(method)}</span> <code>{escape(path)}</code>"
            said = escape(operation.get("description", ""))
            yield f"<h2 id={escape(operation['operationId'])}>{title}</h2><p>{said}</p>"
            if parameters := operation.get("parameters"):
                yield "<table>" + "".join(map(_parameter, parameters)) + "</table>"
            body = operation.get("requestBody", {}).get("content", {})
            for kind, about in body.items():
                yield f"<p>Body: {escape(kind)}, {_named(about.get('schema', {}))}</p>"
            answers = (
                f"<code>{code}</code> {escape(each['description'])}" for code, each in operation["responses"].items()
            )
            yield f"<p>Answers: {', '.join(answers)}</p>"
    yield "<h2>Models</h2>"
    for name, schema in document["components"]["schemas"].items():
        yield f"<h3 id=model-{escape(name)}>{escape(name)}</h3><p>{escape(schema.get('description', ''))}</p><table>"
        for field, about in schema.get("properties", {}).items():
            said = escape(about.get("description", ""))
            yield f"<tr><td><code>{escape(field)}</code><td>{_named(about)}<td>{said}</tr>"
        yield "</table>"


def _parameter(about: Mapping[str, Any]) -> str:
    told = about.get("description") or about.get("schema", {}).get("description", "")
    return f"<tr><td><code>{escape(about['name'])}</code><td>{escape(about['in'])}<td>{escape(told)}</tr>"


def _named(schema: Mapping[str, Any]) -> str:
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return f"<a href=#model-{name}>{name}</a>"
    if "anyOf" in schema:
        return " or ".join(map(_named, schema["anyOf"]))
    if "enum" in schema:
        return escape(", ".join(map(str, schema["enum"])))
    kind = str(schema.get("type", "any"))
    return f"list of {_named(schema['items'])}" if kind == "array" and "items" in schema else escape(kind)
