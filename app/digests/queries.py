"""Reads of digests: who gets them, and those that left."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import defer, joinedload

from app.calendars.periods import Period, Rhythm
from app.core.database import db
from app.core.errors import NotFound
from app.core.text import text
from app.digests.models import Digest, DigestRecipient
from app.digests.spans import ONE_DAY, awaited_period
from app.mail.models import Mail
from app.organisations.models import Organisation
from app.organisations.permissions import Actor, Permission, Scope, allows
from app.programmes.models import Programme, ProgrammeFunder

FunderKey = tuple[UUID, UUID]
"""Programme and organisation."""


@dataclass(frozen=True)
class Subscription:
    """What one funder of one programme gets. `recipients` and the digests without news are the city's to see."""

    funder: ProgrammeFunder
    recipients: Sequence[DigestRecipient]
    digests: Sequence[Digest]
    awaited: Period | None

    @property
    def sends_on(self) -> date | None:
        """The first day on which the next digest leaves by itself."""
        return self.awaited.last_day + ONE_DAY if self.awaited else None


def list_subscriptions(viewer: Actor, today: date) -> list[Subscription]:
    """The subscriptions the viewer may see, by programme; their digests newest first."""
    query = (
        select(ProgrammeFunder)
        .join(ProgrammeFunder.programme)
        .options(joinedload(ProgrammeFunder.programme), joinedload(ProgrammeFunder.organisation))
        .order_by(Programme.key, ProgrammeFunder.position, ProgrammeFunder.organisation_id)
    )
    funders = [row for row in db.session.scalars(query) if _may_see(viewer, row.organisation_id)]
    recipients = _grouped(db.session.scalars(select(DigestRecipient).order_by(DigestRecipient.email)))
    digests = _grouped(
        db.session.scalars(select(Digest).options(defer(Digest.facts)).order_by(Digest.until_on.desc()))
    )
    is_internal = allows(viewer, Permission.VIEW_INTERNAL)
    return [
        Subscription(
            funder,
            recipients[_key(funder)] if is_internal else [],
            [digest for digest in digests[_key(funder)] if is_internal or digest.has_news],
            _awaited(funder, digests[_key(funder)], today),
        )
        for funder in funders
    ]


def get_funder(viewer: Actor, programme_key: str, organisation_key: str) -> ProgrammeFunder:
    """One funder's part in a programme.

    Raises:
        NotFound: also where the viewer may not see it.
    """
    query = (
        select(ProgrammeFunder)
        .join(ProgrammeFunder.programme)
        .join(ProgrammeFunder.organisation)
        .where(Programme.key == programme_key, Organisation.key == organisation_key)
    )
    funder = db.session.scalar(query)
    if funder is None or not _may_see(viewer, funder.organisation_id):
        raise NotFound(text("Diesen Fördermittelgeber gibt es hier nicht, oder er ist für Sie nicht sichtbar."))
    return funder


def get_digest(viewer: Actor, digest_id: UUID) -> Digest:
    """One digest of the archive. A funder sees its own, and only those that left.

    Raises:
        NotFound: also where the viewer may not see it.
    """
    digest = db.session.get(Digest, digest_id)
    is_internal = allows(viewer, Permission.VIEW_INTERNAL)
    if digest is None or not _may_see(viewer, digest.organisation_id) or not (is_internal or digest.has_news):
        raise NotFound(text("Diesen Digest gibt es nicht, oder er ist für Sie nicht sichtbar."))
    return digest


def list_recipients(funder: ProgrammeFunder) -> Sequence[DigestRecipient]:
    """Who gets the digest of this funder; the caller has checked that the viewer may know."""
    query = select(DigestRecipient).where(
        DigestRecipient.programme_id == funder.programme_id,
        DigestRecipient.organisation_id == funder.organisation_id,
    )
    return db.session.scalars(query.order_by(DigestRecipient.email)).all()


def list_mails(digest: Digest) -> Sequence[Mail]:
    """The mails of a digest and how far they got; the caller has checked that the viewer may know."""
    return db.session.scalars(
        select(Mail).where(Mail.once.startswith(f"digest:{digest.id}:")).order_by(Mail.to_address)
    ).all()


def list_with_rhythm() -> Sequence[UUID]:
    """The funders' parts for which digests leave by themselves; for the system, which sees all."""
    query = (
        select(ProgrammeFunder.id)
        .join(ProgrammeFunder.programme)
        .where(ProgrammeFunder.digest_rhythm.is_not(None))
        .order_by(Programme.key, ProgrammeFunder.organisation_id)
    )
    return db.session.scalars(query).all()


def last_until(funder: ProgrammeFunder) -> date | None:
    """The last day any digest of this funder has told, None before the first."""
    query = select(Digest.until_on).where(*_of(funder)).order_by(Digest.until_on.desc()).limit(1)
    return db.session.scalar(query)


def _may_see(viewer: Actor, organisation_id: UUID) -> bool:
    return allows(viewer, Permission.VIEW, Scope(funder_ids=frozenset({organisation_id})))


def _of(funder: ProgrammeFunder) -> tuple[Any, ...]:
    return (Digest.programme_id == funder.programme_id, Digest.organisation_id == funder.organisation_id)


def _key(row: ProgrammeFunder | Digest | DigestRecipient) -> FunderKey:
    return row.programme_id, row.organisation_id


Owned = TypeVar("Owned", Digest, DigestRecipient)


def _grouped(rows: Iterable[Owned]) -> dict[FunderKey, list[Owned]]:
    groups: dict[FunderKey, list[Owned]] = defaultdict(list)
    for row in rows:
        groups[_key(row)].append(row)
    return groups


def _awaited(funder: ProgrammeFunder, digests: Sequence[Digest], today: date) -> Period | None:
    if funder.digest_rhythm is None:
        return None
    return awaited_period(Rhythm(funder.digest_rhythm), today, digests[0].until_on if digests else None)
