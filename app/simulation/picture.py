"""The chart of a replay: mails per month, drawn from its ledger.

python -m app.simulation.picture ledger.csv > docs/pictures/replay.svg
"""

from __future__ import annotations

import csv
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from math import ceil
from pathlib import Path

from app.simulation.tally import MAILED

WIDTH, HEIGHT = 960, 320
LEFT, RIGHT, TOP, BOTTOM = 52, 12, 44, 36
GRID_LINES = 4
STEPS = (1, 2, 5)
"""Between two lines of the grid lies one of these, times a power of ten."""


def mails_by_month(lines: Iterable[Mapping[str, str]]) -> dict[date, int]:
    """How many mails left in each month, those without one too: a person's reminders of a day are one mail."""
    mails = {(line["date"], line["recipient"]) for line in lines if line["outcome"] == MAILED}
    counted = Counter(date.fromisoformat(day).replace(day=1) for day, _ in mails)
    return {month: counted[month] for month in _months(min(counted), max(counted))} if counted else {}


def _months(first: date, last: date) -> Iterator[date]:
    for number in range(12 * first.year + first.month - 1, 12 * last.year + last.month):
        yield date(number // 12, number % 12 + 1, 1)


def grid_step(highest: int) -> int:
    """A round number, such that a few of it reach the highest bar."""
    wanted = max(1, ceil(highest / GRID_LINES))
    power = int("1".ljust(len(str(wanted)), "0"))
    return next((step * power for step in STEPS if step * power >= wanted), 10 * power)


def draw(mails: Mapping[date, int]) -> str:
    """The chart as SVG: a bar for each month, its number as a tooltip, a line for each year."""
    step = grid_step(max(mails.values(), default=1))
    height = HEIGHT - TOP - BOTTOM
    top = step * max(1, ceil(max(mails.values(), default=1) / step))
    slot = (WIDTH - LEFT - RIGHT) / max(1, len(mails))
    total = sum(mails.values())
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        'font-family="system-ui, sans-serif" font-size="13">',
        f"<title>Reminder mails per month, {total:,} in all</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        f'<text x="{LEFT}" y="24" font-size="15" fill="#171a2b">Reminder mails per month, {total:,} in all</text>',
    ]
    for value in range(0, top + 1, step):
        y = TOP + height * (1 - value / top)
        parts += [
            f'<line x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}" stroke="#d7dae3"/>',
            f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end" fill="#4a4f68">{value}</text>',
        ]
    for number, (month, value) in enumerate(mails.items()):
        x, tall = LEFT + number * slot, height * value / top
        parts.append(
            f'<rect x="{x + slot * 0.12:.1f}" y="{TOP + height - tall:.1f}" width="{slot * 0.76:.1f}" '
            f'height="{tall:.1f}" fill="#171a7d"><title>{month:%Y-%m}: {value}</title></rect>'
        )
        if month.month == 1 or number == 0:
            parts += [
                f'<line x1="{x:.1f}" y1="{TOP + height}" x2="{x:.1f}" y2="{TOP + height + 6}" stroke="#4a4f68"/>',
                f'<text x="{x + 4:.1f}" y="{HEIGHT - 14}" fill="#4a4f68">{month.year}</text>',
            ]
    return "\n".join([*parts, "</svg>"]) + "\n"


def main() -> None:
    """Reads the ledger named on the command line and prints the drawing."""
    with Path(sys.argv[1]).open(encoding="utf-8", newline="") as file:
        sys.stdout.write(draw(mails_by_month(csv.DictReader(file))))


if __name__ == "__main__":
    main()
