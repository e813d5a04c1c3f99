"""`flask programmes …`: the group to which the slices above add their commands."""

from __future__ import annotations

import click

from app.core.commands import Commands

commands = Commands("programmes", help="Programmes: their workflows, and the file that brings a whole city.")

AS_JSON = click.option("--json", "as_json", is_flag=True, help="As one JSON object.")
