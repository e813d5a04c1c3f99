"""Measures and what is published about them."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import JSON, CheckConstraint, Column, ForeignKey, Index, String, Table, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.calendars.partial_dates import PartialDate, PartialDateText
from app.core.database import Identified, Model, Versioned, db
from app.core.localized import Localized, LocalizedText
from app.core.sources import Sourced
from app.core.text import Text, text
from app.organisations.permissions import Scope
from app.programmes.workflow import Category, Status

if TYPE_CHECKING:
    from app.accounts.models import Account
    from app.documents.models import Document
    from app.grants.models import Grant
    from app.milestones.models import Milestone
    from app.organisations.models import Unit
    from app.programmes.models import FocusArea, Programme, Workflow
    from app.progress.models import ProgressUpdate


predecessor = Table(
    "measure_predecessor",
    db.metadata,
    Column("measure_id", ForeignKey("measure.id"), primary_key=True),
    Column("predecessor_id", ForeignKey("measure.id"), primary_key=True),
    CheckConstraint("measure_id <> predecessor_id", name="not_before_itself"),
)

evidence = Table(
    "status_change_evidence",
    db.metadata,
    Column("status_change_id", ForeignKey("status_change.id"), primary_key=True),
    Column("document_id", ForeignKey("document.id"), primary_key=True),
)


class Measure(Sourced, Versioned, Identified, Model):
    """Something the city carries out under a programme. What is None has not been published.

    `record` keeps what transitions asked for (field key → value); `partners` are names as published;
    `entered_on` is the city day on which Wegmarke learned of it: nothing is owed from long before; `edited_by_id` is
    who changed its details, its lead or its unit last: four eyes. `predecessors` must be done before steps that wait
    for them.
    """

    __tablename__ = "measure"
    __table_args__ = (UniqueConstraint("programme_id", "key"), Index(None, "programme_id", "sort_key"))

    programme_id: Mapped[UUID] = mapped_column(ForeignKey("programme.id"))
    workflow_id: Mapped[UUID] = mapped_column(ForeignKey("workflow.id"))
    key: Mapped[str] = mapped_column(String(80))
    number: Mapped[int | None]
    title: Mapped[Localized | None] = mapped_column(LocalizedText)
    sort_key: Mapped[str] = mapped_column(String(300))
    summary: Mapped[Localized | None] = mapped_column(LocalizedText)
    field: Mapped[Localized | None] = mapped_column(LocalizedText)
    focus_area_id: Mapped[UUID | None] = mapped_column(ForeignKey("focus_area.id"))
    unit_id: Mapped[UUID | None] = mapped_column(ForeignKey("unit.id"))
    lead_id: Mapped[UUID | None] = mapped_column(ForeignKey("account.id"))
    partners: Mapped[list[dict[str, str]]] = mapped_column(JSON, default=list)
    starts: Mapped[PartialDate | None] = mapped_column(PartialDateText)
    ends: Mapped[PartialDate | None] = mapped_column(PartialDateText)
    total_cost: Mapped[Decimal | None]
    grant_amount: Mapped[Decimal | None]
    status: Mapped[str | None] = mapped_column(String(80))
    status_since: Mapped[datetime | None]
    entered_on: Mapped[date]
    record: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    edited_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("account.id"))
    documents: Mapped[list[dict[str, str]]] = mapped_column(JSON, default=list)

    programme: Mapped[Programme] = relationship()
    workflow: Mapped[Workflow] = relationship()
    focus_area: Mapped[FocusArea | None] = relationship()
    unit: Mapped[Unit | None] = relationship()
    lead: Mapped[Account | None] = relationship(foreign_keys=[lead_id])
    predecessors: Mapped[list[Measure]] = relationship(
        secondary=predecessor,
        primaryjoin="Measure.id == measure_predecessor.c.measure_id",
        secondaryjoin="Measure.id == measure_predecessor.c.predecessor_id",
        order_by="Measure.sort_key",
    )
    events: Mapped[list[MeasureEvent]] = relationship(back_populates="measure", order_by="MeasureEvent.sort_on")
    activities: Mapped[list[Activity]] = relationship(back_populates="measure", order_by="Activity.key")
    status_changes: Mapped[list[StatusChange]] = relationship(
        back_populates="measure", order_by="StatusChange.changed_at"
    )
    milestones: Mapped[list[Milestone]] = relationship(
        back_populates="measure", order_by="Milestone.planned_on, Milestone.key"
    )
    updates: Mapped[list[ProgressUpdate]] = relationship(
        back_populates="measure", order_by="ProgressUpdate.created_at.desc()"
    )
    grants: Mapped[list[Grant]] = relationship(secondary="grant_measure", back_populates="measures")

    @property
    def name(self) -> Text | Localized:
        """What it is called."""
        return name_of(self.title, self.number)

    @property
    def current_status(self) -> Status | None:
        """The status in the words of its workflow version, None where it is not known."""
        return self.workflow.rules.statuses[self.status] if self.status else None

    @property
    def category(self) -> Category | None:
        """What the status means, None where it is not known."""
        return self.workflow.rules.category_of(self.status)

    @property
    def scope(self) -> Scope:
        """Where the measure belongs, for permissions."""
        return Scope(
            lead_id=self.lead_id,
            unit_ids=tuple(unit.id for unit in self.unit.with_parents()) if self.unit else (),
            funder_ids=self.programme.funder_ids,
        )


def name_of(title: Localized | None, number: int | None) -> Text | Localized:
    """The title of a measure, or where none is published its number with that remark."""
    if title is not None:
        return title
    if number is not None:
        return text("Maßnahme %(number)s: Angaben folgen", number=number)
    return text("Maßnahme ohne veröffentlichten Titel")


class EventKind(StrEnum):
    """What kind of thing a source reports."""

    EVENT = "event"
    COUNCIL_RESOLUTION = "council_resolution"
    PLAN = "plan"


class MeasureEvent(Sourced, Identified, Model):
    """A published event. It is shown once the clock has passed `sort_on`, the last day it can mean."""

    __tablename__ = "measure_event"
    __table_args__ = (UniqueConstraint("measure_id", "happened", "sort_title"),)

    measure_id: Mapped[UUID] = mapped_column(ForeignKey("measure.id"))
    happened: Mapped[PartialDate] = mapped_column(PartialDateText)
    sort_on: Mapped[date]
    kind: Mapped[str] = mapped_column(String(20))
    title: Mapped[Localized] = mapped_column(LocalizedText)
    sort_title: Mapped[str] = mapped_column(String(300))

    measure: Mapped[Measure] = relationship(back_populates="events")


class Activity(Sourced, Identified, Model):
    """A part of a measure, or of a programme where no measure is published for it.

    Content and money are two links: an activity may be paid by another grant, or by a fund outside Wegmarke.
    """

    __tablename__ = "activity"
    __table_args__ = (
        UniqueConstraint("programme_id", "key"),
        CheckConstraint("grant_id IS NULL OR other_fund IS NULL", name="one_payer"),
    )

    programme_id: Mapped[UUID] = mapped_column(ForeignKey("programme.id"))
    measure_id: Mapped[UUID | None] = mapped_column(ForeignKey("measure.id"))
    grant_id: Mapped[UUID | None] = mapped_column(ForeignKey("grant.id"))
    key: Mapped[str] = mapped_column(String(80))
    title: Mapped[Localized] = mapped_column(LocalizedText)
    summary: Mapped[Localized | None] = mapped_column(LocalizedText)
    state: Mapped[Localized | None] = mapped_column(LocalizedText)
    starts: Mapped[PartialDate | None] = mapped_column(PartialDateText)
    ends: Mapped[PartialDate | None] = mapped_column(PartialDateText)
    other_fund: Mapped[Localized | None] = mapped_column(LocalizedText)

    measure: Mapped[Measure | None] = relationship(back_populates="activities")
    grant: Mapped[Grant | None] = relationship()


class StatusChange(Identified, Model):
    """One step of a measure through its workflow.

    `from_workflow_id` is set where the step led from one version of the workflow to another. `override_reason` is
    set where four eyes were passed by in an emergency.
    """

    __tablename__ = "status_change"
    __table_args__ = (Index(None, "measure_id", "changed_at"),)

    measure_id: Mapped[UUID] = mapped_column(ForeignKey("measure.id"))
    workflow_id: Mapped[UUID] = mapped_column(ForeignKey("workflow.id"))
    from_status: Mapped[str | None] = mapped_column(String(80))
    to_status: Mapped[str] = mapped_column(String(80))
    changed_at: Mapped[datetime]
    changed_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("account.id"))
    note: Mapped[str | None]
    record: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    from_workflow_id: Mapped[UUID | None] = mapped_column(ForeignKey("workflow.id"))
    override_reason: Mapped[str | None]
    is_sample: Mapped[bool] = mapped_column(default=False)

    measure: Mapped[Measure] = relationship(back_populates="status_changes")
    workflow: Mapped[Workflow] = relationship(foreign_keys=[workflow_id])
    from_workflow: Mapped[Workflow | None] = relationship(foreign_keys=[from_workflow_id])
    evidence: Mapped[list[Document]] = relationship(secondary=evidence)
    changed_by: Mapped[Account | None] = relationship()

    @property
    def before(self) -> Status | None:
        """The status it led from, in the words of the version that held then."""
        return (self.from_workflow or self.workflow).rules.statuses[self.from_status] if self.from_status else None

    @property
    def after(self) -> Status:
        """The status it led to."""
        return self.workflow.rules.statuses[self.to_status]
