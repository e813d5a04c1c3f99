"""Random people walk random measures through random workflows, by form, service and command line alike.

The oracle here states the rules once more, in the plainest way: whatever the way in, a measure moves exactly when
nothing stands in the way, and a refusal names all that does and nothing else.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from datetime import date
from html import unescape
from io import BytesIO
from typing import Any, Literal

from flask import Flask
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from werkzeug.datastructures import FileStorage

from app.accounts.models import Account
from app.core.clock import now
from app.core.database import db
from app.core.errors import DomainError
from app.documents import service as documents
from app.measures import service
from app.measures.models import Measure
from app.programmes.guards import Given
from app.programmes.models import Workflow
from tests.conftest import Client
from tests.factories import City, actor, add_measure, add_milestone, add_programme

Way = Literal["form", "service", "command"]
WAYS: tuple[Way, ...] = ("form", "service", "command")
STATUSES = ("a", "b", "c", "d")
PEOPLE = ("lead", "other_lead", "head", "other_head", "coordinator", "administrator", "auditor")
ROLES = {
    "lead": "project_lead",
    "head": "department_head",
    "coordinator": "coordinator",
}
"""Who has which role for the measure of the walk; the others have none that moves it."""
SAYS = {
    "role": "bei dieser Maßnahme kann das nur",
    "four_eyes": "Vier-Augen-Prinzip",
    "milestones_planned": "es gibt keinen Meilensteinplan",
    "unit_assigned": "keine verantwortliche Stelle ist eingetragen",
    "note_given": "Begründung fehlt",
    "evidence_attached": "Nachweis fehlt",
    "number": "Angabe „Nummer“ fehlt",
    "plan": "Angabe „Plan“ fehlt",
}
"""How each thing that stands in the way is recognised in a refusal."""


@dataclass(frozen=True)
class Step:
    """One attempt: who, by which way, to take which step, giving what."""

    who: str
    way: Way
    transition: int
    note: bool
    number: bool
    plan: bool
    evidence: bool


often = st.sampled_from([True, True, True, False])


@st.composite
def definitions(draw: st.DrawFn) -> dict[str, Any]:
    """A workflow of four statuses with a dozen random steps."""
    guards = st.lists(
        st.sampled_from(["milestones_planned", "unit_assigned", "note_given", "evidence_attached"]),
        unique=True,
        max_size=2,
    )
    roles = st.lists(st.sampled_from(sorted(ROLES.values())), unique=True, min_size=2)
    rules = st.lists(
        st.fixed_dictionaries(
            {"field": st.sampled_from(["number", "plan"]), "rule": st.sampled_from(["required", "read_only"])},
            optional={"roles": roles},
        ),
        max_size=1,
    )
    transitions = [
        {
            "key": f"t{index}",
            "from": STATUSES[index % 4],
            "to": draw(st.sampled_from(STATUSES)),
            "label": {"de": f"Schritt {index}", "en": f"Step {index}"},
            "roles": draw(roles),
            "guards": [{"guard": name} for name in draw(guards)],
            "fields": draw(st.lists(st.sampled_from(["number", "plan"]), unique=True, max_size=1)),
            "four_eyes": not draw(often),
        }
        for index in range(12)
    ]
    return {
        "initial": "a",
        "fields": [
            {"key": "number", "label": {"de": "Nummer", "en": "Number"}, "type": "text"},
            {"key": "plan", "label": {"de": "Plan", "en": "Plan"}, "type": "longtext"},
        ],
        "statuses": [
            {
                "key": key,
                "label": {"de": f"Status {key}", "en": key},
                "category": "running",
                "field_rules": draw(rules),
            }
            for key in STATUSES
        ],
        "transitions": transitions,
    }


steps = st.builds(
    Step,
    who=st.sampled_from(PEOPLE) | st.sampled_from(sorted(ROLES)) | st.sampled_from(sorted(ROLES)),
    way=st.sampled_from(WAYS),
    transition=st.integers(0, 2),
    note=often,
    number=often,
    plan=often,
    evidence=often,
)


@dataclass
class World:
    """What the oracle knows of the measure."""

    definition: dict[str, Any]
    status: str
    has_unit: bool
    has_milestone: bool
    moved_by: str | None
    filled: set[str]

    def in_the_way(self, row: dict[str, Any], step: Step) -> set[str]:
        """The names in `SAYS` of all that keeps this person from this step."""
        role = ROLES.get(step.who)
        found = set()
        if role == "department_head" and not self.has_unit:
            role = None
        if role not in row["roles"]:
            found.add("role")
        if row["four_eyes"] and self.moved_by == step.who:
            found.add("four_eyes")
        met = {
            "milestones_planned": self.has_milestone,
            "unit_assigned": self.has_unit,
            "note_given": step.note,
            "evidence_attached": step.evidence,
        }
        found |= {guard["guard"] for guard in row["guards"] if not met[guard["guard"]]}
        wanted = set(row["fields"]) | {
            key for key in ("number", "plan") if self.access(row["to"], key, role) == "required"
        }
        return found | {key for key in wanted if not self.will_be_filled(row, key, role, step)}

    def access(self, status: str, key: str, role: str | None) -> str:
        """The rule of a status for a field, one at most in these; who may take no step changes nothing."""
        if role is None:
            return "read_only"
        [entry] = [one for one in self.definition["statuses"] if one["key"] == status]
        for rule in entry["field_rules"]:
            if rule["field"] == key and (not rule.get("roles") or role in rule["roles"]):
                return str(rule["rule"])
        return "optional"

    def asks(self, row: dict[str, Any], key: str, role: str | None) -> bool:
        """Whether the form of the step has the field for this role."""
        return key in row["fields"] and self.access(row["from"], key, role) != "read_only"

    def will_be_filled(self, row: dict[str, Any], key: str, role: str | None, step: Step) -> bool:
        return bool(getattr(step, key)) if self.asks(row, key, role) else key in self.filled

    def take(self, row: dict[str, Any], step: Step) -> None:
        self.filled |= {
            key for key in ("number", "plan") if self.asks(row, key, ROLES[step.who]) and getattr(step, key)
        }
        self.status, self.moved_by = row["to"], step.who


def test_no_way_leads_past_the_rules_and_every_refusal_names_all_that_is_missing(
    app: Flask, client: Client, city: City
) -> None:
    seen: Counter[str] = Counter()

    @settings(max_examples=40, deadline=None, phases=[Phase.generate])  # to shrink such a world takes minutes
    @given(
        definition=definitions(),
        walk=st.lists(steps, min_size=4, max_size=10),
        has_unit=often,
        has_milestone=often,
    )
    def walk_through(definition: dict[str, Any], walk: list[Step], has_unit: bool, has_milestone: bool) -> None:
        measure = start(city, definition, has_unit=has_unit, has_milestone=has_milestone)
        world = World(definition, "a", has_unit, has_milestone, None, set())
        for step in walk:
            row = [row for row in definition["transitions"] if row["from"] == world.status][step.transition]
            in_the_way = world.in_the_way(row, step)
            refusal = attempt(app, client, measure, getattr(city, step.who), row["key"], step)
            db.session.refresh(measure)
            seen[f"{step.way} {'refused' if in_the_way else 'taken'}"] += 1
            if in_the_way:
                assert refusal is not None, (row, step, in_the_way)
                named = {name for name, words in SAYS.items() if words in refusal}
                assert named == in_the_way, (row, step, refusal)
            else:
                assert refusal is None, (row, step, refusal)
                world.take(row, step)
            assert (measure.status, set(measure.record)) == (world.status, world.filled)

    walk_through()
    assert all(seen[f"{way} {end}"] >= 5 for way in WAYS for end in ("taken", "refused")), seen


def start(city: City, definition: dict[str, Any], *, has_unit: bool, has_milestone: bool) -> Measure:
    programme = add_programme(city.funder_organisation)
    programme.workflows.append(Workflow(version=2, definition=definition, published_at=now()))
    db.session.flush()
    measure = add_measure(
        programme, status="a", lead=city.lead, unit=city.unit if has_unit else None, workflow=programme.workflows[-1]
    )
    if has_milestone:
        add_milestone(measure, date(2023, 6, 30))
    return measure


def attempt(app: Flask, client: Client, measure: Measure, who: Account, key: str, step: Step) -> str | None:
    """What the refusal says, None where the step was taken."""
    ways = {"form": by_form, "service": by_service, "command": by_command}
    return ways[step.way](app, client, measure, who, key, step)


def typed(step: Step) -> dict[str, str]:
    return {"number": "V/2023/17" if step.number else "", "plan": "Ablage 7" if step.plan else ""}


def by_service(app: Flask, client: Client, measure: Measure, who: Account, key: str, step: Step) -> str | None:
    given = Given("Grund" if step.note else " ", typed(step))
    try:
        service.change_status(
            actor(who),
            measure,
            key,
            given=given,
            evidence=take_in() if step.evidence else (),
            seen_version=measure.version,
            now=now(),
        )
    except DomainError as error:
        db.session.flush()
        return str(error.message)
    db.session.commit()
    return None


def take_in() -> list[documents.Receipt]:
    return documents.take_in([FileStorage(BytesIO(b"Protokoll"), "protokoll.txt")])


def by_form(app: Flask, client: Client, measure: Measure, who: Account, key: str, step: Step) -> str | None:
    client.sign_in(who)
    address = f"/measures/{measure.id}/status/{key}"
    data: dict[str, Any] = {"version": str(measure.version), "note": "Grund" if step.note else ""}
    data |= {f"record_{name}": value for name, value in typed(step).items()}
    if step.evidence:
        data["files"] = (BytesIO(b"Protokoll"), "protokoll.txt")
    answer = client.post(address, data=data, content_type="multipart/form-data")
    assert answer.status_code in (302, 403, 422), answer.status_code
    if answer.status_code == 302:
        return None
    main = answer.text[answer.text.index("<main") : answer.text.index("</main>")]
    return unescape(re.sub(r"<[^>]+>", " ", main))


def by_command(app: Flask, client: Client, measure: Measure, who: Account, key: str, step: Step) -> str | None:
    arguments = ["measures", "step", f"{measure.programme.key}/{measure.key}", key, "--as", who.email]
    arguments += ["--note", "Grund"] if step.note else []
    for name, value in typed(step).items():
        arguments += ["--field", f"{name}={value}"]
    if step.evidence:
        arguments += ["--evidence", str(evidence_file(app))]
    db.session.commit()
    result = app.test_cli_runner().invoke(args=arguments)
    assert result.exit_code in (0, 1), result.output
    return result.output if result.exit_code else None


def evidence_file(app: Flask) -> Any:
    path = app.config["SETTINGS"].var_dir / "protokoll.txt"
    path.write_text("Protokoll", encoding="utf-8")
    return path
