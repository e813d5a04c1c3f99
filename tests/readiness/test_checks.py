"""Each thing that may be missing: found, and gone once it is mended. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any, get_args
from uuid import UUID, uuid4

import pytest

from app.core.localized import Localized
from app.core.text import text
from app.organisations.permissions import ALLOWED, Actor, Permission, Role, Scope
from app.programmes.ladder import Audience
from app.programmes.soundness import Level
from app.programmes.workflow import Category
from app.readiness.checks import DATED_BY_FUNDER, check
from app.readiness.facts import (
    PEOPLE,
    Facts,
    FunderFacts,
    Link,
    MeasureFacts,
    Owed,
    Person,
    Recipient,
    StepFacts,
    UnitFacts,
    Waiting,
    WorkflowFacts,
)
from app.readiness.people import is_deliverable
from app.readiness.report import COUNTED, GROUP_NAMES, Group
from app.readiness.views import MENDERS
from tests.factories import WORKFLOW

LEAD = Person(uuid4(), Localized("Leitung"), "leitung@stadt.de")
HEAD = Person(uuid4(), Localized("Chefin"), "chefin@stadt.de")
DEPUTY = Person(uuid4(), Localized("Vertretung"), "vertretung@stadt.de")
COORDINATOR = Person(uuid4(), Localized("Koordination"), "koordination@stadt.de")
UNIT = UnitFacts(uuid4(), Localized("Planungsamt"), (HEAD, DEPUTY))
MEASURE = MeasureFacts(
    id=uuid4(),
    name=Localized("Radweg"),
    scope=Scope(lead_id=LEAD.id),
    category=Category.RUNNING,
    is_ended=False,
    lead=LEAD,
    unit=UNIT,
    milestones=2,
    version=1,
    recipients={Audience.PROJECT_LEAD: (LEAD.id,)},
)
OTHER_LEAD = Person(uuid4(), Localized("Andere Leitung"), "andere@stadt.de")
OTHER = replace(
    MEASURE,
    id=uuid4(),
    name=Localized("Brücke"),
    scope=Scope(lead_id=OTHER_LEAD.id),
    lead=OTHER_LEAD,
    unit=UnitFacts(uuid4(), Localized("Straßenbau"), (HEAD, DEPUTY)),
    recipients={Audience.PROJECT_LEAD: (OTHER_LEAD.id,)},
)
STEP = StepFacts(text("am Tag selbst"), frozenset({Audience.PROJECT_LEAD}))
OWED = Owed(uuid4(), Localized("Verwendungsnachweis"), Localized("Zuwendung"), "proof_of_use", date(2023, 12, 31))
FUNDER = FunderFacts(Localized("Ministerium"), True, (Recipient("referat@land.nrw.de"),))
WAITING = Waiting(text("niemand kann entscheiden"), True, PEOPLE)
READY = Facts(
    key="klima",
    measures=(MEASURE, OTHER),
    coordinators=(COORDINATOR,),
    waiting=(WAITING,),
    steps=(STEP,),
    owed=(OWED,),
    funders=(FUNDER,),
    workflow=WorkflowFacts(1, WORKFLOW),
)


def with_measure(**values: Any) -> Facts:
    """The ready programme with one measure that is different."""
    return replace(READY, measures=(replace(MEASURE, **values), OTHER))


def with_workflow(change: Any, facts: Facts = READY) -> Facts:
    """The ready programme with another workflow: `change` is applied to each transition."""
    transitions = [change(dict(row)) for row in WORKFLOW["transitions"]]
    return replace(facts, workflow=WorkflowFacts(1, WORKFLOW | {"transitions": transitions}))


def found(facts: Facts) -> list[tuple[str, str, str]]:
    return [
        (finding.group.value, finding.level, str(finding.sentence))
        for one in check(facts).checks
        for finding in one.findings
    ]


def in_order(facts: Facts, group: Group) -> list[str]:
    return [str(sentence) for one in check(facts).checks if one.group is group for sentence in one.in_order]


def test_a_programme_that_has_everything_is_ready_and_says_what_was_proved() -> None:
    report = check(READY)
    assert found(READY) == []
    assert (report.is_ready, str(report.summary)) == (True, "Startklar")
    assert [str(sentence) for one in report.checks for sentence in one.in_order] == [
        "2 Maßnahmen haben eine Projektleitung",
        "2 Maßnahmen haben eine Stelle",
        "2 Stellen haben eine Bereichsleitung und jemanden, der sie vertreten kann",
        "1 offener Antrag oder Sachstand kann entschieden werden",
        "Bei 2 Maßnahmen kann jemand anderes als die Projektleitung freigeben",
        "6 Adressen sind keine Beispieladressen",
        "1 Erinnerungsstufe erreicht bei jeder Maßnahme jemanden",
        "1 offene Pflicht hat ein Datum",
        "2 laufende Maßnahmen haben Meilensteine",
        "1 Fördermittelgeber bekommt einen Digest",
        "Version 1 mit 5 Status und 5 Schritten ist in Ordnung",
        "2 Maßnahmen folgen Version 1",
    ]
    assert [str(sentence) for sentence in report.counted] == [
        "2 Maßnahmen",
        "2 Stellen",
        "3 Freigabewege",
        "6 Adressen",
        "1 Erinnerungsstufe",
        "3 Fristen",
        "1 Fördermittelgeber",
        "5 Schritte im Ablauf",
    ]


def four_eyes(row: dict[str, Any]) -> dict[str, Any]:
    return row | {"four_eyes": True} if row["key"] == "stop" else row


def four_eyes_for_lead(row: dict[str, Any]) -> dict[str, Any]:
    return row | {"four_eyes": True} if row["key"] == "start" else row


def for_heads_only(row: dict[str, Any]) -> dict[str, Any]:
    return row | {"roles": ["department_head"]}


def without_english(row: dict[str, Any]) -> dict[str, Any]:
    return row | {"label": {"de": row["label"]["de"]}} if row["key"] == "stop" else row


ISLAND = {"key": "island", "label": {"de": "Insel", "en": "Island"}, "category": "done", "final": True}
NEVER = "keine erreichbare Adresse, an „stadt.example“ wird nie zugestellt"
GONE = replace(LEAD, is_active=False)
SOLE = replace(UNIT, heads=(HEAD,))
OWN = replace(UNIT, heads=(LEAD,))
MISSING: list[tuple[str, Facts, list[tuple[str, Level, str]]]] = [
    ("no lead", with_measure(lead=None), [("leads", "error", "„Radweg“ hat keine Projektleitung")]),
    (
        "lead gone",
        with_measure(lead=GONE),
        [("leads", "error", "„Radweg“: Das Konto der Projektleitung (Leitung) ist gesperrt")],
    ),
    (
        "status unknown",
        with_measure(category=None, lead=None, unit=None),
        [("leads", "warning", "„Radweg“: Status nicht erfasst; Projektleitung und Stelle bleiben ungeprüft")],
    ),
    (
        "no measures",
        replace(READY, measures=()),
        [("leads", "warning", "Das Programm hat noch keine Maßnahmen")],
    ),
    ("no unit", with_measure(unit=None), [("heads", "error", "„Radweg“ hat keine verantwortliche Stelle")]),
    (
        "no head",
        with_measure(unit=replace(UNIT, heads=())),
        [
            (
                "heads",
                "error",
                "Planungsamt mit 1 Maßnahme: keine Bereichsleitung, auch nicht in einer Stelle darüber",
            ),
        ],
    ),
    (
        "no deputy",
        with_measure(unit=SOLE),
        [("heads", "warning", "Planungsamt: nur „Chefin“ leitet, ohne ständige Vertretung")],
    ),
    (
        "nobody free",
        replace(READY, waiting=(replace(WAITING, has_free_head=False),)),
        [("approvals", "error", "niemand kann entscheiden")],
    ),
    (
        "lead is the only head",
        with_measure(unit=OWN),
        [
            ("heads", "warning", "Planungsamt: nur „Leitung“ leitet, ohne ständige Vertretung"),
            (
                "approvals",
                "error",
                "„Radweg“: Die Projektleitung ist die einzige Bereichsleitung, niemand sonst kann freigeben",
            ),
        ],
    ),
    (
        "four eyes of one who changes measures",
        with_workflow(four_eyes_for_lead),
        [
            (
                "approvals",
                "error",
                "Schritt „Umsetzung starten“ verlangt vier Augen; bei 2 Maßnahmen kann ihn nur eine Person "
                "gehen, und sie kann selbst beteiligt sein",
            )
        ],
    ),
    (
        "four eyes of one who never changes measures, but brings them back",
        with_workflow(four_eyes, with_measure(unit=SOLE)),
        [
            ("heads", "warning", "Planungsamt: nur „Chefin“ leitet, ohne ständige Vertretung"),
            (
                "approvals",
                "error",
                "Schritt „Abbruch beschließen“ verlangt vier Augen; bei 1 Maßnahme kann ihn nur eine Person gehen, "
                "und sie kann selbst beteiligt sein",
            ),
        ],
    ),
    (
        "four eyes of one who is never involved",
        with_workflow(
            lambda row: {**four_eyes(row), "roles": ["project_lead"] if row["to"] == "running" else row["roles"]},
            with_measure(unit=SOLE),
        ),
        [
            ("heads", "warning", "Planungsamt: nur „Chefin“ leitet, ohne ständige Vertretung"),
            (
                "approvals",
                "warning",
                "Schritt „Abbruch beschließen“ verlangt vier Augen; bei 1 Maßnahme kann ihn nur eine Person gehen",
            ),
        ],
    ),
    (
        "lead without address",
        with_measure(lead=replace(LEAD, email="leitung@stadt.example")),
        [("addresses", "error", f"„Leitung“ (Projektleitung): {NEVER}")],
    ),
    (
        "head without address",
        with_measure(unit=replace(UNIT, heads=(replace(HEAD, email="chefin@stadt.example"), DEPUTY))),
        [("addresses", "error", f"„Chefin“ (Bereichsleitung): {NEVER}")],
    ),
    (
        "coordination without address",
        replace(READY, coordinators=(replace(COORDINATOR, email="koordination@stadt.example"),)),
        [("addresses", "error", f"„Koordination“ (Koordination): {NEVER}")],
    ),
    (
        "digest without address",
        replace(READY, funders=(replace(FUNDER, recipients=(Recipient("a@stadt.example"),)),)),
        [("addresses", "error", f"Digest an „Ministerium“: {NEVER}")],
    ),
    (
        "no steps",
        replace(READY, steps=()),
        [("reminders", "warning", "Es gibt keine Erinnerungsstufen: Niemand wird an eine Frist erinnert")],
    ),
    (
        "step for nobody",
        replace(READY, steps=(STEP, StepFacts(text("7 Tage danach"), frozenset({Audience.COORDINATOR})))),
        [("reminders", "error", "Die Erinnerung „7 Tage danach“ erreicht bei 2 Maßnahmen niemanden")],
    ),
    (
        "step for nobody by part or name",
        replace(READY, steps=(STEP, StepFacts(text("7 Tage danach"), frozenset()))),
        [("reminders", "error", "Die Erinnerung „7 Tage danach“ erreicht bei 2 Maßnahmen niemanden")],
    ),
    (
        "proof of use without a day",
        replace(READY, owed=(replace(OWED, due_on=None),)),
        [("deadlines", "error", "„Verwendungsnachweis“ (Zuwendung): Datum fehlt, niemand wird erinnert")],
    ),
    (
        "receipts without a day",
        replace(READY, owed=(replace(OWED, kind="keep_receipts", due_on=None),)),
        [("deadlines", "warning", "„Verwendungsnachweis“ (Zuwendung): Datum fehlt, niemand wird erinnert")],
    ),
    (
        "no milestone",
        with_measure(milestones=0),
        [("deadlines", "warning", "„Radweg“ läuft und hat keinen Meilenstein")],
    ),
    ("no funder", replace(READY, funders=()), [("funders", "error", "Es ist kein Fördermittelgeber eingetragen")]),
    (
        "no recipient",
        replace(READY, funders=(replace(FUNDER, recipients=()),)),
        [("funders", "error", "Digest an „Ministerium“: keine Empfängeradresse")],
    ),
    (
        "no rhythm",
        replace(READY, funders=(replace(FUNDER, has_rhythm=False, recipients=()),)),
        [("funders", "warning", "„Ministerium“ bekommt keinen Digest")],
    ),
    ("no workflow", replace(READY, workflow=None), [("workflow", "error", "Es ist kein Ablauf veröffentlicht")]),
    (
        "older version",
        replace(READY, workflow=WorkflowFacts(2, WORKFLOW)),
        [("workflow", "warning", "2 Maßnahmen folgen noch einer älteren Version des Ablaufs")],
    ),
    (
        "no translation",
        with_workflow(without_english),
        [("workflow", "warning", "Schritt „Abbruch beschließen“: die englische Fassung fehlt")],
    ),
    (
        "unreachable",
        replace(READY, workflow=WorkflowFacts(1, WORKFLOW | {"statuses": [*WORKFLOW["statuses"], ISLAND]})),
        [("workflow", "error", "Status „Insel“: der Status „Insel“ ist vom Anfang aus nicht erreichbar")],
    ),
    (
        "unknown beginning",
        replace(READY, workflow=WorkflowFacts(1, WORKFLOW | {"initial": "x"})),
        [("workflow", "error", "Version 1: der Status „x“ ist unbekannt")],
    ),
]


@pytest.mark.parametrize(("facts", "expected"), [case[1:] for case in MISSING], ids=[case[0] for case in MISSING])
def test_what_is_missing_is_found_and_nothing_else(facts: Facts, expected: list[tuple[str, Level, str]]) -> None:
    assert found(facts) == expected


def test_every_check_has_been_broken() -> None:
    assert {group for _, facts, _ in MISSING for group, _, _ in found(facts)} == {group.value for group in Group}
    assert {level for _, facts, _ in MISSING for _, level, _ in found(facts)} == set(get_args(Level))


def test_a_step_nobody_can_take_is_an_error_here_and_its_name_is_said() -> None:
    headless = tuple(replace(measure, unit=replace(UNIT, heads=())) for measure in READY.measures)
    nobody = replace(with_workflow(for_heads_only), measures=headless)
    sentences = [row for row in found(nobody) if row[0] == "workflow"]
    assert len(sentences) == 5
    assert sentences[0] == (
        "workflow",
        "error",
        "Schritt „Umsetzung starten“: diesen Schritt kann niemand gehen: "
        "in diesem Programm hat niemand die Rolle Bereichsleitung",
    )


def test_who_will_hold_the_roles_is_not_asked_before_there_is_a_measure() -> None:
    assert found(replace(READY, measures=(), coordinators=())) == [
        ("leads", "warning", "Das Programm hat noch keine Maßnahmen")
    ]


def test_a_lead_whose_account_is_closed_holds_no_role() -> None:
    facts = replace(READY, measures=tuple(replace(measure, lead=GONE) for measure in READY.measures))
    rows = found(with_workflow(lambda row: row | {"roles": ["project_lead"]}, facts))
    assert [row[0] for row in rows] == ["leads"] * 2 + ["workflow"] * 5


def test_what_has_ended_is_not_asked() -> None:
    ended = with_measure(category=Category.DONE, is_ended=True, lead=None, unit=None, version=0, recipients=None)
    assert found(ended) == []
    assert in_order(ended, Group.LEADS) == [
        "1 Maßnahme hat eine Projektleitung",
        "1 Maßnahme ist abgeschlossen und wird nicht geprüft",
    ]
    done_with_steps_to_go = with_measure(category=Category.DONE, lead=None, recipients=None)
    assert found(done_with_steps_to_go) == [("leads", "error", "„Radweg“ hat keine Projektleitung")]


def test_whoever_only_belonged_to_what_has_ended_needs_no_address() -> None:
    gone = replace(LEAD, email="frueher@stadt.example")
    assert found(with_measure(category=Category.DONE, is_ended=True, lead=gone, recipients=None)) == []


def test_the_coordination_needs_an_address_before_there_is_a_measure() -> None:
    facts = replace(READY, measures=(), coordinators=(replace(COORDINATOR, email="koordination@stadt.example"),))
    assert [row[0] for row in found(facts)] == ["leads", "addresses"]


def test_two_heads_or_one_above_can_stand_in_for_each_other() -> None:
    assert found(with_measure(unit=UNIT)) == []
    assert found(with_measure(unit=replace(UNIT, heads=(LEAD, HEAD)))) == []


def test_a_unit_is_told_once_however_many_measures_it_has() -> None:
    measures = tuple(replace(MEASURE, id=uuid4(), unit=SOLE) for _ in range(3))
    assert found(replace(READY, measures=measures)) == [
        ("heads", "warning", "Planungsamt: nur „Chefin“ leitet, ohne ständige Vertretung")
    ]


def test_a_person_with_two_roles_is_told_once_with_both() -> None:
    both = replace(LEAD, email="leitung@stadt.invalid")
    facts = replace(with_measure(lead=both), coordinators=(both,))
    assert [sentence for group, _, sentence in found(facts) if group == "addresses"] == [
        "„Leitung“ (Koordination, Projektleitung): keine erreichbare Adresse, an „stadt.invalid“ wird nie zugestellt"
    ]


def test_a_measure_is_judged_by_the_steps_of_the_version_it_follows() -> None:
    strict = with_workflow(four_eyes_for_lead).workflow
    assert strict is not None
    behind = replace(READY, older=(strict,), workflow=WorkflowFacts(2, WORKFLOW))
    ahead = replace(behind, measures=(MEASURE, replace(OTHER, version=2)))
    for facts, told in ((behind, "bei 2 Maßnahmen"), (ahead, "bei 1 Maßnahme ")):
        (sentence,) = [said for group, _level, said in found(facts) if group == "approvals"]
        assert told in sentence
    newest = replace(READY, older=(WorkflowFacts(1, WORKFLOW),), workflow=replace(strict, version=2))
    assert [group for group, _level, _said in found(newest)] == ["workflow"], "nobody follows the strict one yet"
    both = replace(behind, measures=ahead.measures, workflow=replace(strict, version=2))
    assert "bei 2 Maßnahmen" in found(both)[0][2], "one step, told once"


def test_a_second_holder_of_the_roles_opens_a_step_with_four_eyes() -> None:
    both = with_workflow(lambda row: four_eyes_for_lead(row | {"roles": ["project_lead", "coordinator"]}))
    assert found(both) == []
    assert in_order(both, Group.APPROVALS)[-1] == "1 Schritt mit vier Augen findet bei jeder Maßnahme zwei Personen"


@pytest.mark.parametrize(
    ("email", "is_reachable"),
    [
        ("a@stadt.de", True),
        ("a@example.de", True),
        ("a@testen.de", True),
        ("a@example.com.de", True),
        ("a@stadt.de.", True),
        ("a@beispiel.example", False),
        ("a@BEISPIEL.EXAMPLE.", False),
        ("a@stadt.invalid", False),
        ("a@stadt.test", False),
        ("root@localhost", False),
        ("a@post.localhost", False),
        ("a@example.com", False),
        ("a@mail.example.net", False),
        ("a@example.org", False),
        ("a@", False),
        ("", False),
    ],
)
def test_reserved_names_are_never_delivered(email: str, is_reachable: bool) -> None:
    assert is_deliverable(email) is is_reachable


@pytest.mark.parametrize(
    "kind", ["proof_of_use", "report", "call_for_funds", "keep_receipts", "publication", "other"]
)
def test_an_undated_obligation_is_an_error_only_where_the_funder_sets_the_day(kind: str) -> None:
    ((_, level, _),) = found(replace(READY, owed=(replace(OWED, kind=kind, due_on=None),)))
    assert (level == "error") is (kind in DATED_BY_FUNDER) is (kind in ("proof_of_use", "report"))


def test_errors_come_before_warnings_within_a_group() -> None:
    measures = (replace(MEASURE, category=None), replace(MEASURE, id=uuid4(), lead=None), OTHER)
    assert [level for group, level, _ in found(replace(READY, measures=measures)) if group == "leads"] == [
        "error",
        "warning",
    ]


@pytest.mark.parametrize(
    ("facts", "is_ready", "sentence"),
    [
        (with_measure(lead=None), False, "1 Fehler"),
        (with_measure(milestones=0), True, "Startklar, 1 Hinweis"),
        (replace(with_measure(lead=None, milestones=0), steps=()), False, "1 Fehler, 2 Hinweise"),
    ],
)
def test_the_summary_counts_and_only_errors_keep_a_programme_back(
    facts: Facts, is_ready: bool, sentence: str
) -> None:
    report = check(facts)
    assert (report.is_ready, str(report.summary)) == (is_ready, sentence)


def test_a_finding_about_sample_data_says_so() -> None:
    (finding,) = (
        finding for one in check(with_measure(lead=None, is_sample=True)).checks for finding in one.findings
    )
    assert finding.is_sample


@pytest.mark.parametrize(
    ("step", "recipients"),
    [
        (StepFacts(text("am Tag selbst"), frozenset(), named=1), {}),
        (StepFacts(text("am Tag selbst"), frozenset({Audience.DEPUTY}), named=1), {}),
        (StepFacts(text("am Tag selbst"), frozenset()), {Audience.DEPARTMENT_HEAD: (HEAD.id,)}),
    ],
    ids=["named people only", "a part that nobody has, and somebody by name", "named people who are gone"],
)
def test_a_step_that_names_people_calls_somebody(
    step: StepFacts, recipients: dict[Audience, tuple[UUID, ...]]
) -> None:
    measures = tuple(replace(measure, recipients=recipients) for measure in READY.measures)
    assert found(replace(READY, steps=(step,), measures=measures)) == []


def test_a_sole_head_with_a_standing_deputy_is_secured() -> None:
    backed = with_measure(unit=replace(UNIT, heads=(replace(HEAD, has_deputy=True),)))
    assert found(backed) == []
    assert in_order(backed, Group.HEADS) == in_order(READY, Group.HEADS)
    (finding,) = check(with_measure(unit=SOLE)).checks[1].findings
    assert finding.link == Link("organisations.name_deputy", {"account_id": str(HEAD.id)}, Permission.ASSIGN_PEOPLE)


def test_every_group_has_its_names() -> None:
    assert set(GROUP_NAMES) == set(COUNTED) == set(Group)


def test_whoever_is_named_as_mending_may_really_do_it() -> None:
    me, unit, funder = uuid4(), uuid4(), uuid4()
    for permission, menders in MENDERS.items():
        allowed = {
            role
            for role in Role
            if ALLOWED[permission](
                Actor(me, "x", frozenset({role}), frozenset({unit}), frozenset({funder})),
                Scope(me if role is Role.PROJECT_LEAD else None, (unit,), frozenset({funder})),
            )
        }
        assert allowed == set(menders), permission
