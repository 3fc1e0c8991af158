"""Commands that tell: which venues and settings there are, and whether this machine is fit."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from headwater.app.doctor import Finding, examine
from headwater.app.settings import Settings, load, setting_names
from headwater.venues.discovery import venues as all_venues

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
ConfigFile = Annotated[
    Path | None, typer.Option("--config", help="TOML file with settings.", dir_okay=False)
]


def venues(as_json: AsJson = False) -> None:
    """List the venues and what each of them offers."""
    rows = [
        {
            "venue": facts.venue_id,
            "name": facts.display_name,
            "channels": {
                channel.value: support.available for channel, support in facts.channels.items()
            },
            "capabilities": {
                name: support.available for name, support in facts.capabilities.items()
            },
            "intervals": [interval.value for interval in facts.intervals],
            "environments": sorted(facts.environments),
            "documentation": facts.documentation,
        }
        for facts in (venue.facts for venue in all_venues().values())
    ]
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
        return
    table = Table("venue", "name", "live channels", "by request", "intervals", title="Venues")
    for facts in (venue.facts for venue in all_venues().values()):
        table.add_row(
            facts.venue_id,
            facts.display_name,
            "\n".join(c.value for c, support in facts.channels.items() if support.available),
            "\n".join(name for name, support in facts.capabilities.items() if support.available),
            " ".join(interval.value for interval in facts.intervals),
        )
    Console().print(table)


def settings(config: ConfigFile = None, as_json: AsJson = False) -> None:
    """List every setting, its value here and its environment variable. Secrets do not print."""
    current = load(config)
    names = setting_names()
    values = json.loads(current.model_dump_json())
    if as_json:
        typer.echo(json.dumps(values, indent=2))
        return
    table = Table("setting", "value", "environment", "meaning", title="Settings")
    for name, field in Settings.model_fields.items():
        table.add_row(
            name, json.dumps(values[name]), "\n".join(names[name]), field.description or ""
        )
    Console().print(table)


def doctor(config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Check this machine, the settings, the clock and the way to every venue."""
    findings = examine(load(config))
    if as_json:
        typer.echo(json.dumps([finding.as_json() for finding in findings], indent=2))
    else:
        _print_findings(findings)
    if any(not finding.ok for finding in findings):
        raise typer.Exit(1)


def _print_findings(findings: list[Finding]) -> None:
    console = Console(file=sys.stdout)
    for finding in findings:
        console.print(
            f"[green]ok[/]   {finding.what}: {finding.found}"
            if finding.ok
            else f"[red]no[/]   {finding.what}: {finding.found}\n     → {finding.advice}"
        )
