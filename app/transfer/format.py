"""The city file: every entry and every field of it, and nothing else.

The docstrings under the fields become the descriptions of the JSON Schema; docs/import-format.md tells the
whole story. Unknown is None and is written by leaving the field out. Rules between entries are in
`references.py`, the rules of a workflow in `programmes/soundness.py`.
"""

from __future__ import annotations

from datetime import time
from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from app.calendars.periods import Rhythm
from app.transfer.entries import Entry, LongWords, Many, Sourced, Words
from app.transfer.values import (
    Address,
    DateInPart,
    Day,
    Email,
    Key,
    Line,
    Money,
    Often,
    Paragraph,
    PeriodKey,
    SendTime,
    Share,
    TimeZone,
)


class City(Sourced):
    """The city the file is about; memberships may name it as their organisation."""

    key: Key
    """Names the city in references; never changes."""
    name: Words
    """Name as it is shown."""
    state: Literal["BB", "BE", "BW", "BY", "HB", "HE", "HH", "MV", "NI", "NW", "RP", "SH", "SL", "SN", "ST", "TH"]
    """Federal state; it decides which days are public holidays."""
    time_zone: TimeZone = "Europe/Berlin"
    """Time zone of the city."""


class Organisation(Sourced):
    """A body outside the city: a funder or a partner."""

    key: Key
    """Names the organisation in references."""
    kind: Literal["funder", "partner"]
    """What the organisation is to the city."""
    name: Words
    """Name as it is shown."""


class EarlierName(Entry):
    """A name a unit had for a time."""

    name: Words
    """The name then."""
    since: DateInPart | None = Field(default=None, alias="from")
    """First day of the name, as far as it is known."""
    until: DateInPart | None = None
    """Last day of the name, as far as it is known."""


class Unit(Sourced):
    """An organisational unit of the city."""

    key: Key
    """Names the unit in references; stays when the unit is renamed."""
    parent: Key | None = None
    """Key of the unit above."""
    name: Words
    """Present name."""
    names: Many[EarlierName]
    """Names the unit had before."""


Role: TypeAlias = Literal["administrator", "coordinator", "project_lead", "department_head", "funder", "auditor"]


class Membership(Entry):
    """A role of an account, where the role needs it in a unit or an organisation."""

    role: Role
    """What the account may do."""
    unit: Key | None = None
    """Key of the unit; needed for project_lead and department_head."""
    organisation: Key | None = None
    """Key of the organisation; needed for funder."""


class Account(Entry):
    """Somebody who signs in. The file carries no passwords."""

    email: Email
    """Address the mails go to and the name to sign in with."""
    name: Words
    """Name as it is shown; for a role account the name of the role."""
    language: Literal["de", "en"] = "de"
    """Language of the mails."""
    trial: bool = False
    """Whether the sign-in page of a trial shows a button for it; only in a file with sample: true."""
    memberships: Many[Membership]
    """What the account is, and where."""
    deputy: Email | None = None
    """E-mail of the account that stands in as a rule when this one is away."""


class DigestRecipient(Entry):
    """A mailbox that gets the digest."""

    email: Email
    """Address of the mailbox."""
    name: Words | None = None
    """Name beside the address."""
    language: Literal["de", "en"] = "de"
    """Language of the digest."""


class DigestOrder(Entry):
    """How a funder is kept informed."""

    rhythm: Often
    """How often a digest is due."""
    recipients: Many[DigestRecipient]
    """Who gets it."""


class Funder(Sourced):
    """An organisation that gives money in a programme."""

    organisation: Key
    """Key of the organisation, which must be of kind funder."""
    part: Words | None = None
    """What it does in the programme, such as ministry or granting authority."""
    digest: DigestOrder | None = None
    """The digest it gets; none when left out."""


class FocusArea(Sourced):
    """A field the programme supports."""

    key: Key
    """Names the focus area in references."""
    name: Words
    """Name as it is shown."""


class ReminderStep(Entry):
    """When to remind of a deadline, and whom: by their part in recipients, by their address in people, or both."""

    key: Annotated[Key, Field(max_length=40)]
    """Names the step. A step is sent once per deadline: under a key used before it counts as sent already."""
    offset_days: Annotated[int, Field(ge=-365, le=365)]
    """Days from the deadline: -30 is thirty days before, 0 the day itself, 7 a week after."""
    working_days: bool = False
    """Whether these days, and those of repeat_days, are working days instead of calendar days."""
    repeat_days: Annotated[int, Field(ge=1, le=365)] | None = None
    """Repeats the step every so many days until the deadline is met; only for steps after the day."""
    recipients: Many[Literal["project_lead", "deputy", "department_head", "coordinator", "administrator"]]
    """Who is reminded, by their part in the matter."""
    people: Many[Email]
    """E-mails of accounts that are reminded as well. Left out: those chosen in Wegmarke stay."""
    wording: Words | None = None
    """What is said with the deadline at this step."""


class WorkflowField(Entry):
    """Something a transition can ask for."""

    key: Key
    """Names the field in transitions."""
    label: Words
    """Label of the form field."""
    type: Literal["text", "longtext", "date", "url", "money", "yes_no"]
    """What may be entered."""
    hint: Words | None = None
    """Help shown below the label."""


class FieldRule(Entry):
    """What a role may see and change of a field while a measure has the status."""

    field: Key
    """Key of a workflow field, or one of title, summary, field, focus_area, unit, lead, partners, starts, ends,
    total_cost and grant_amount."""
    rule: Literal["required", "read_only", "hidden"]
    """required: must be filled; read_only: may be seen; hidden: may not even be seen."""
    roles: Many[Role]
    """Whom the rule concerns; everybody when left out."""


class Status(Entry):
    """A state of a measure in this programme."""

    key: Key
    """Names the status in transitions and measures."""
    label: Words
    """Name as it is shown."""
    public_label: Words | None = None
    """Name for the public; the label when left out."""
    category: Literal["planned", "applied", "approved", "running", "paused", "done", "settled", "stopped"]
    """What the status means in every programme; lists and figures are counted by it."""
    final: bool = False
    """Whether a measure may end here."""
    expectation: LongWords | None = None
    """What is expected now, in plain words."""
    field_rules: Many[FieldRule]
    """Which fields are required, read-only or hidden, and for whom; without a rule a field is optional."""


class Guard(Entry):
    """A condition of a transition."""

    guard: Line
    """Name of the condition: milestones_approved, milestones_planned, fields_filled, note_given, evidence_attached,
    progress_current, grant_notice_recorded, predecessors_done, decision_recorded, unit_assigned or role_assigned."""
    role: Role | None = None
    """The role that must be held; for role_assigned."""
    days: int | None = None
    """How old the last progress update may be, in days; for progress_current."""
    fields: Many[Key]
    """Keys of the fields that must be filled; for fields_filled."""
    number: Key | None = None
    """Key of the text field with the number of the decision; for decision_recorded."""
    link: Key | None = None
    """Key of the url field with the address of the decision; for decision_recorded."""


Basis: TypeAlias = Literal["published", "derived", "design"]


class Transition(Sourced):
    """A step from one status to another."""

    key: Key
    """Names the transition; never changes."""
    from_status: Key = Field(alias="from")
    """Key of the status it leaves."""
    to_status: Key = Field(alias="to")
    """Key of the status it leads to."""
    label: Words
    """The button, as a command: "Umsetzung starten"."""
    roles: Many[Role]
    """Who may take the step."""
    guards: Many[Guard]
    """What must be true."""
    fields: Many[Key]
    """Keys of the fields that must be filled."""
    four_eyes: bool = False
    """Whether somebody else takes the step than who brought the measure here or changed it last."""
    basis: Basis | None = None
    """published: a source states the step; derived: inferred from a source; design: the city's own choice."""


class Workflow(Entry):
    """The way of a measure through the programme."""

    version: Annotated[int, Field(ge=1)] = 1
    """Number of the version; raise it with every change."""
    initial: Key
    """Key of the status a new measure has."""
    fields: Many[WorkflowField]
    """What transitions can ask for."""
    statuses: Annotated[list[Status], Field(min_length=1)]
    """The states."""
    transitions: Many[Transition]
    """The steps between them."""


class Programme(Sourced):
    """A programme that gives money under its own rules."""

    key: Key
    """Names the programme in references."""
    name: Words
    """Full name."""
    short_name: Words | None = None
    """Name for lists; the full name when left out."""
    level: Literal["state", "federal"]
    """Who runs it."""
    description: LongWords | None = None
    """What it is for, in a few sentences."""
    legal_basis: LongWords | None = None
    """Directive or fact sheet it rests on."""
    starts: DateInPart | None = None
    """Begin of the programme."""
    ends: DateInPart | None = None
    """End of the programme."""
    time_zone: TimeZone = "Europe/Berlin"
    """Time zone of send_time."""
    send_time: SendTime = time(7, 0)
    """Time of day after which reminders and digests go out, 22:00 at the latest."""
    funders: Many[Funder]
    """Who gives the money."""
    focus_areas: Many[FocusArea]
    """What it supports."""
    update_rhythm: Often = Rhythm.QUARTERLY
    """How often the project lead reports progress."""
    update_due_days: Annotated[int, Field(ge=0, le=180)] = 14
    """Days after the end of the period until the report is due."""
    approval_days: Annotated[int, Field(ge=1, le=90)] = 5
    """Working days the department head has to approve a milestone."""
    stale_days: Annotated[int, Field(ge=1, le=1000)] | None = None
    """Days without a report after which a running measure is asked about; never when left out."""
    emergency_override: bool = False
    """Whether four eyes may be passed by in an emergency, with a reason that log and digests show."""
    reminder_steps: list[ReminderStep] | None = None
    """When to remind. Left out: the lead 30, 14, 7 and 1 days before and on the day, lead and head 7 days after and
    then weekly, the coordination from 21 days after, weekly. Empty: never."""
    workflow: Workflow
    """The way of a measure through the programme."""


class Obligation(Sourced):
    """Something a grant obliges the city to."""

    key: Key
    """Names the obligation within the grant."""
    kind: Literal["call_for_funds", "proof_of_use", "keep_receipts", "publication", "report", "other"]
    """What sort of obligation it is."""
    title: Words
    """Name as it is shown."""
    rule: LongWords | None = None
    """The rule in plain words."""
    due_on: Day | None = None
    """Last day. Left out where no date is known: the page then says "Datum fehlt"."""
    basis: Basis | None = None
    """published: a source states it; derived: computed or inferred; design: the city's own choice."""


class Grant(Sourced):
    """Money of a programme for one or more measures, under one commitment."""

    key: Key
    """Names the grant."""
    programme: Key
    """Key of the programme."""
    title: Words
    """Name as it is shown."""
    file_number: Annotated[Line, Field(max_length=80)] | None = None
    """File number of the granting authority; in quotes if it is only digits."""
    notice_on: Day | None = None
    """Date of the grant notice."""
    notice_count: Annotated[int, Field(ge=1, le=1000)] | None = None
    """Number of notices, where every partner got its own."""
    period_starts: Day | None = None
    """First day of the grant period."""
    period_ends: Day | None = None
    """Last day of the grant period."""
    commitment_on: Day | None = None
    """Day of the commitment, from which some programmes count."""
    amount: Money | None = None
    """Grant in euro."""
    total_cost: Money | None = None
    """Total cost in euro."""
    rate: Share | None = None
    """Share of the cost that is granted, 0.65 for 65 percent."""
    amount_note: LongWords | None = None
    """What must be known to read the amounts rightly."""
    measures: Many[Key]
    """Keys of the measures it pays for."""
    obligations: Many[Obligation]
    """What it obliges to."""


class Activity(Sourced):
    """A part of a measure."""

    key: Key
    """Names the activity within the programme."""
    title: Words
    """Name as it is shown."""
    summary: LongWords | None = None
    """What it is, in a few sentences."""
    starts: DateInPart | None = None
    """Begin."""
    ends: DateInPart | None = None
    """End."""
    state: Words | None = None
    """How far it is, in the words of the source."""
    grant: Key | None = None
    """Key of the grant that pays for it, where that is another one than the measure's."""
    other_fund: LongWords | None = None
    """The fund outside this file that pays for it; not together with grant."""


class UnassignedActivity(Activity):
    """Something done in a programme of which nobody has said to which measure it belongs."""

    programme: Key
    """Key of the programme."""


class Milestone(Sourced):
    """A date at which something is to be reached."""

    key: Key
    """Names the milestone within the measure."""
    title: Words
    """What is to be reached."""
    description: LongWords | None = None
    """More about it."""
    planned_on: Day
    """Planned day; for a month its last day."""
    planned_precision: Literal["day", "month"] = "day"
    """Whether the plan names a day or a month."""
    forecast_on: Day | None = None
    """Day that is expected now."""
    reached_on: Day | None = None
    """Day it was reached."""
    funder_relevant: bool = False
    """Whether the funders go by the planned day, so that the head has to approve its moves."""


class Event(Sourced):
    """Something that was reported to have happened, to have been decided or to be planned."""

    on: DateInPart
    """Day, month, season or year."""
    kind: Literal["event", "council_resolution", "plan"]
    """What sort of event it is."""
    title: Words
    """What happened, in one line."""


class LinkedDocument(Entry):
    """A page or file elsewhere."""

    title: Words
    """Name of the link."""
    address: Address
    """Where it is."""


class Update(Entry):
    """A progress report of an earlier period."""

    period: PeriodKey
    """2022-Q4, 2022-H2 or 2022-12, as the rhythm of the programme asks."""
    health: Literal["green", "yellow", "red"]
    """green: on plan; yellow: problems the project can solve; red: needs a decision or help from outside."""
    health_reason: Paragraph | None = None
    """Why; needed for yellow and red."""
    decision_wanted: Paragraph | None = None
    """Who should decide what; needed for red."""
    percent: Annotated[int, Field(ge=0, le=100)]
    """Progress in percent."""
    done: Paragraph
    """What was done."""
    next_steps: Paragraph | None = None
    """What comes next."""
    risks: Paragraph | None = None
    """What might go wrong."""
    state: Literal["submitted", "released"] = "submitted"
    """submitted: handed in by the lead; released: also seen by the head."""
    submitted_on: Day | None = None
    """Day it was handed in."""
    author: Email
    """E-mail of the account that wrote it."""


class Measure(Sourced):
    """What the city does under a programme."""

    key: Key
    """Names the measure; part of its address."""
    programme: Key
    """Key of the programme."""
    number: Annotated[int, Field(ge=1, le=9999)] | None = None
    """Number within the programme."""
    title: Words | None = None
    """Title. Left out where none is published: the page then says "Maßnahme 4: Angaben folgen"."""
    summary: LongWords | None = None
    """What it is, in a few sentences."""
    field: Words | None = None
    """Field of action, as published."""
    focus_area: Key | None = None
    """Key of a focus area of the programme."""
    unit: Key | None = None
    """Key of the responsible unit."""
    lead: Email | None = None
    """E-mail of the account that leads it."""
    partners: Many[Words]
    """Who takes part."""
    starts: DateInPart | None = None
    """Begin."""
    ends: DateInPart | None = None
    """End."""
    total_cost: Money | None = None
    """Total cost in euro."""
    grant_amount: Money | None = None
    """Grant in euro."""
    status: Key | None = None
    """Key of a status of the programme's workflow; left out where it is unknown."""
    predecessors: Many[Key]
    """Keys of the measures that must be done first."""
    activities: Many[Activity]
    """Its parts."""
    milestones: Many[Milestone]
    """Its milestones."""
    events: Many[Event]
    """What was reported about it."""
    documents: Many[LinkedDocument]
    """Links."""
    updates: Many[Update]
    """Progress reports of earlier periods."""


class CityFile(Entry):
    """A whole city, or a part of it: several files are read as one."""

    format: Literal[1]
    """Version of this format."""
    sample: bool = False
    """Whether everything this file adds is shown as sample data ("Beispieldaten")."""
    city: City
    """The city."""
    organisations: Many[Organisation]
    """Funders and partners."""
    units: Many[Unit]
    """The units of the city."""
    accounts: Many[Account]
    """Who signs in."""
    programmes: Many[Programme]
    """The programmes."""
    grants: Many[Grant]
    """The grants."""
    measures: Many[Measure]
    """The measures."""
    unassigned_activities: Many[UnassignedActivity]
    """What belongs to a programme and to no known measure."""
