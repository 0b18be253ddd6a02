"""``contact-streams settings``."""

import json

from streams.cli.common import AsJson, load
from streams.local.text import Terminal, echo


def settings(as_json: AsJson = False) -> None:
    """List every setting: environment variable, value, default, what is allowed, meaning."""
    from rich.table import Table
    from rich.text import Text

    from streams.settings import Settings, allowed, variable

    found = load()
    if as_json:
        echo(json.dumps(found.model_dump(mode="json"), indent=1))
        return
    table = Table("variable", "value", "allowed", "meaning")
    table.columns[0].no_wrap = True
    for name, field in Settings.model_fields.items():
        value, default = getattr(found, name), field.get_default()
        changed = name != "worker_name" and value != default
        shown = "" if value is None else str(value)
        table.add_row(
            variable(name),
            Text.assemble((shown, "bold"), f" (default {default})") if changed else shown,
            allowed(name),
            field.description,
        )
    Terminal().print(table)
    Terminal().print(
        "From the environment, or from contact-streams.toml (lower-case names); see docs/operations.md", style="grey62"
    )
