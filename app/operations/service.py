"""What those who run the installation do: send dead mails again, start the workers' jobs by hand, and be told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.exc import IntegrityError

from app.accounts.models import Account
from app.audit import service as audit
from app.core.database import db
from app.core.errors import Conflict
from app.core.heartbeat import JOB_NAMES, Job, take_pulses, was_silent
from app.core.text import Text, text
from app.mail import queries as outbox
from app.mail import service as mail
from app.mail.models import Mail
from app.organisations.permissions import Actor, Permission, Role, require
from app.organisations.queries import find_city, list_members
from app.reminders import service as reminders


def resend(actor: Actor, letter: Mail, *, now: datetime) -> None:
    """Puts a dead mail back into the queue, under its old Message-ID.

    Raises:
        Forbidden: for whoever does not run the installation.
        Conflict: where it is not dead.
    """
    require(actor, Permission.OPERATE)
    given_up = letter.last_error
    if not mail.requeue([letter.id]):
        raise Conflict(
            text("Diese Mail ist nicht unzustellbar. Erneut gesendet wird nur, was nicht zugestellt werden konnte.")
        )
    _record_resent(actor, letter, given_up, now)


def resend_all(actor: Actor, *, now: datetime) -> int:
    """Puts every dead mail back into the queue; returns how many."""
    require(actor, Permission.OPERATE)
    dead = outbox.list_dead()
    errors = {letter.id: letter.last_error for letter in dead}
    requeued = set(mail.requeue(list(errors)))
    for letter in dead:
        if letter.id in requeued:
            _record_resent(actor, letter, errors[letter.id], now)
    return len(requeued)


def _record_resent(actor: Actor, letter: Mail, given_up: str | None, now: datetime) -> None:
    to = letter.to_name or letter.to_address
    audit.record(
        actor,
        letter,
        text("Unzustellbare Mail an %(to)s wird erneut gesendet", to=to),
        now=now,
        changes={"last_error": (given_up, None)},
    )


def sweep_now(actor: Actor, *, now: datetime) -> int:
    """Looks for due reminders now, as the workers do by themselves; returns the number of mails written.

    Nothing is written twice, however often or together with whom this runs.
    """
    require(actor, Permission.OPERATE)
    written = reminders.sweep_all(now)
    city = find_city()
    if city:
        audit.record(actor, city, text("Prüfung der Fristen und Versand von Hand gestartet"), now=now)
    return written


@dataclass(frozen=True)
class Silence:
    """A job was not done from `since` (None: ever) to `until` (None: still not)."""

    job: Job
    since: datetime | None
    until: datetime | None = None

    @property
    def name(self) -> Text:
        """What the job does."""
        return JOB_NAMES[self.job]


def tell_operator(ran_before_at: datetime | None, wall_now: datetime, now: datetime) -> int:
    """Writes to those who run the installation where jobs were not done in time; returns the number of mails.

    `ran_before_at` is the delivery before the one that has just ended. `wall_now` is the machine's instant, by which
    the workers live; `now` the application's. Each silence is told once.
    """
    # a delivery that is late now could not bring the news: it is told when it runs again
    late = [pulse for pulse in take_pulses(wall_now) if pulse.is_late and pulse.job is not Job.DELIVERY]
    silences = [Silence(pulse.job, pulse.done_at) for pulse in late]
    if ran_before_at and was_silent(Job.DELIVERY, ran_before_at, wall_now):
        silences.append(Silence(Job.DELIVERY, ran_before_at, wall_now))
    if not silences:
        return 0
    return sum(_tell(account, silences, now) for account in _operators())


def _operators() -> Sequence[Account]:
    """Whoever runs the installation: the administrators; where there is none, the coordinators."""
    return list_members(Role.ADMINISTRATOR) or list_members(Role.COORDINATOR)


def _tell(account: Account, silences: Sequence[Silence], now: datetime) -> bool:
    news = [silence for silence in silences if not outbox.find_by_once(_once(silence, account))]
    if not news:
        return False
    to = mail.Recipient(account.email, account.name, account.language, account.id)
    try:
        with db.session.begin_nested():
            mail.enqueue("job_late", to, {"silences": news}, now=now, once=_once(news[0], account))
    except IntegrityError:  # another worker has told them at this very moment
        return False
    return True


def _once(silence: Silence, account: Account) -> str:
    since = silence.since.isoformat() if silence.since else "never"
    return f"job_late:{silence.job}:{since}:{account.id}"
