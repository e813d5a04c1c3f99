"""Grant programmes and what they ask for."""

from __future__ import annotations

from datetime import datetime, time
from typing import TYPE_CHECKING, Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import JSON, CheckConstraint, Column, ForeignKey, String, Table, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.calendars.partial_dates import PartialDate, PartialDateText
from app.core.database import Identified, Model, Versioned, db
from app.core.localized import Localized, LocalizedText
from app.core.sources import Sourced
from app.programmes import workflow as rules

if TYPE_CHECKING:
    from app.accounts.models import Account
    from app.measures.models import Measure
    from app.organisations.models import Organisation


named_recipient = Table(
    "reminder_step_account",
    db.metadata,
    Column("step_id", ForeignKey("reminder_step.id"), primary_key=True),
    Column("account_id", ForeignKey("account.id"), primary_key=True),
)


class Programme(Sourced, Identified, Model):
    """A grant programme. `send_time` is local time in `time_zone`, before which no reminder leaves.

    A running measure on which nothing was reported for `stale_days` days is asked about; None: never.

    With `emergency_override`, somebody whom four eyes stop may take a step, approve or release all the same, with a
    reason that stands in the log and is told in the digests.
    """

    __tablename__ = "programme"

    key: Mapped[str] = mapped_column(String(80), unique=True)
    name: Mapped[Localized] = mapped_column(LocalizedText)
    short_name: Mapped[Localized | None] = mapped_column(LocalizedText)
    description: Mapped[Localized | None] = mapped_column(LocalizedText)
    legal_basis: Mapped[Localized | None] = mapped_column(LocalizedText)
    level: Mapped[str] = mapped_column(String(10))
    starts: Mapped[PartialDate | None] = mapped_column(PartialDateText)
    ends: Mapped[PartialDate | None] = mapped_column(PartialDateText)
    state: Mapped[str] = mapped_column(String(2), default="NW")
    time_zone: Mapped[str] = mapped_column(String(40), default="Europe/Berlin")
    send_time: Mapped[time] = mapped_column(default=time(7))
    update_rhythm: Mapped[str] = mapped_column(String(12))
    update_due_days: Mapped[int] = mapped_column(default=14)
    approval_days: Mapped[int] = mapped_column(default=5)
    stale_days: Mapped[int | None]
    emergency_override: Mapped[bool] = mapped_column(default=False)

    funders: Mapped[list[ProgrammeFunder]] = relationship(
        back_populates="programme", order_by="ProgrammeFunder.position", cascade="all, delete-orphan"
    )
    focus_areas: Mapped[list[FocusArea]] = relationship(order_by="FocusArea.position", cascade="all, delete-orphan")
    workflows: Mapped[list[Workflow]] = relationship(back_populates="programme", order_by="Workflow.version")
    draft: Mapped[WorkflowDraft | None] = relationship(back_populates="programme")
    measures: Mapped[list[Measure]] = relationship(viewonly=True)
    steps: Mapped[list[ReminderStep]] = relationship(
        order_by="ReminderStep.offset_days", cascade="all, delete-orphan"
    )

    @property
    def newest_workflow(self) -> Workflow | None:
        """The version that new measures follow, None before the first."""
        return self.workflows[-1] if self.workflows else None

    @property
    def zone(self) -> ZoneInfo:
        """The programme's time zone."""
        return ZoneInfo(self.time_zone)

    @property
    def funder_ids(self) -> frozenset[UUID]:
        """The organisations that fund this programme."""
        return frozenset(funder.organisation_id for funder in self.funders)


class ProgrammeFunder(Sourced, Identified, Model):
    """An organisation's part in a programme (ministry, granting authority) and the rhythm of its digest."""

    __tablename__ = "programme_funder"
    __table_args__ = (UniqueConstraint("programme_id", "organisation_id"),)

    programme_id: Mapped[UUID] = mapped_column(ForeignKey("programme.id"))
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisation.id"))
    position: Mapped[int] = mapped_column(default=0)
    part: Mapped[Localized | None] = mapped_column(LocalizedText)
    digest_rhythm: Mapped[str | None] = mapped_column(String(12))

    programme: Mapped[Programme] = relationship(back_populates="funders")
    organisation: Mapped[Organisation] = relationship()


class FocusArea(Sourced, Identified, Model):
    """A field of work a programme funds."""

    __tablename__ = "focus_area"
    __table_args__ = (UniqueConstraint("programme_id", "key"),)

    programme_id: Mapped[UUID] = mapped_column(ForeignKey("programme.id"))
    key: Mapped[str] = mapped_column(String(80))
    name: Mapped[Localized] = mapped_column(LocalizedText)
    position: Mapped[int] = mapped_column(default=0)


class ReminderStep(Identified, Model):
    """One rung of a programme's ladder: days from the due day (negative before), repeated or not, to whom.

    The days are calendar days, or with `working_days` working days of the programme's state. `recipients` are values
    of `ladder.Audience`; `named` people are reminded too. `wording` is said with the deadline.
    """

    __tablename__ = "reminder_step"
    __table_args__ = (
        UniqueConstraint("programme_id", "key"),
        CheckConstraint("repeat_days IS NULL OR repeat_days > 0", name="repeat_is_positive"),
        CheckConstraint("repeat_days IS NULL OR offset_days > 0", name="repeats_only_after_the_due_day"),
    )

    programme_id: Mapped[UUID] = mapped_column(ForeignKey("programme.id"))
    key: Mapped[str] = mapped_column(String(40))
    offset_days: Mapped[int]
    repeat_days: Mapped[int | None]
    working_days: Mapped[bool] = mapped_column(default=False)
    recipients: Mapped[list[str]] = mapped_column(JSON)
    wording: Mapped[Localized | None] = mapped_column(LocalizedText)

    named: Mapped[list[Account]] = relationship(secondary=named_recipient, order_by="Account.email")


class Workflow(Identified, Model):
    """A published version of a programme's workflow. The database refuses to change it; an edit makes the next one.

    `note` says what is new in it; who published it is unknown where it came with the city's file.
    """

    __tablename__ = "workflow"
    __table_args__ = (UniqueConstraint("programme_id", "version"),)

    programme_id: Mapped[UUID] = mapped_column(ForeignKey("programme.id"))
    version: Mapped[int]
    definition: Mapped[dict[str, Any]] = mapped_column(JSON)
    published_at: Mapped[datetime]
    published_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("account.id"))
    note: Mapped[str | None]

    programme: Mapped[Programme] = relationship(back_populates="workflows")
    published_by: Mapped[Account | None] = relationship()

    @property
    def rules(self) -> rules.Workflow:
        """The definition as the rule module reads it: built once, as a published version never changes."""
        built = BUILT_RULES.get(self.id) or rules.build(self.definition)
        if self.id:  # one that is not stored yet has none
            BUILT_RULES[self.id] = built
        return built


BUILT_RULES: dict[UUID, rules.Workflow] = {}
"""By workflow. There are as many as versions have been published, and pages read them with every measure."""


class WorkflowDraft(Versioned, Identified, Model):
    """The next version of a programme's workflow while somebody works on it. No measure follows a draft.

    `based_on` is the version it began from, None where it was copied from another programme or begun empty.
    """

    __tablename__ = "workflow_draft"
    __table_args__ = (UniqueConstraint("programme_id"),)

    programme_id: Mapped[UUID] = mapped_column(ForeignKey("programme.id"))
    definition: Mapped[dict[str, Any]] = mapped_column(JSON)
    based_on: Mapped[int | None]
    edited_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("account.id"))
    edited_at: Mapped[datetime]

    programme: Mapped[Programme] = relationship(back_populates="draft")
    edited_by: Mapped[Account | None] = relationship()
