"""Six years of Iserlohn replayed with all faults at 5 %, against as many bare transactions as there are hours."""

from __future__ import annotations

import json
import sys
import time
from datetime import date

from sqlalchemy import text

from app.core.database import db
from app.core.transaction import transaction
from app.simulation.faults import Faults, Rates
from app.simulation.replay import Course, replay
from app.simulation.sandbox import SAMPLES, sandbox
from app.simulation.sink import mail_server

FIRST, LAST = date(2020, 1, 1), date(2025, 12, 31)
RATES = Rates(0.05, 0.05, 0.05, 0.05)
AT_MOST = 120
"""Seconds for the six years on two cores."""


def main() -> None:
    """Prints the answer of the replay and its cost; fails where it took too long, lost or repeated something."""
    result = replay(Course(FIRST, LAST, 1, RATES, SAMPLES))
    print(json.dumps(result.answer()))
    ratio = result.seconds / (result.ticks * one_transaction())
    print(f"{result.ticks:,} hours in {result.seconds:.0f} s: an hour costs as much as {ratio:.1f} bare transactions")
    if not result.is_sound or result.seconds > AT_MOST:
        sys.exit(1)


def one_transaction() -> float:
    """Seconds for a transaction of one bare query on the database of a replay."""
    nothing = text("SELECT 1")
    with mail_server(Faults(1, Rates())) as sink, sandbox(sink.port):
        begins = time.perf_counter()
        for _ in range(5000):
            with transaction():
                db.session.execute(nothing)
        return (time.perf_counter() - begins) / 5000


if __name__ == "__main__":
    main()
