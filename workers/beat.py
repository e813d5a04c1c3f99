"""What happens when. Nothing is scheduled far ahead: the database knows what is due, these only look again."""

from __future__ import annotations

from typing import Any

MINUTE = 60

SCHEDULE: dict[str, dict[str, Any]] = {
    # A mail leaves a minute after it was written even where no nudge came through.
    "mail.deliver": {"task": "mail.deliver", "schedule": MINUTE, "options": {"expires": MINUTE}},
    # Once a day and programme there is something to do, and a sweep that finds nothing costs two queries. Every
    # ten minutes and not every hour: after an outage, or a send time such as 7:30, nobody waits for the full hour.
    "reminders.sweep": {"task": "reminders.sweep", "schedule": 10 * MINUTE, "options": {"expires": 10 * MINUTE}},
    "digests.sweep": {"task": "digests.sweep", "schedule": 10 * MINUTE, "options": {"expires": 10 * MINUTE}},
}
"""Celery's beat table. `expires`: what lies in the queue longer than its interval has a successor behind it."""
