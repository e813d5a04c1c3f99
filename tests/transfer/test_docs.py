"""docs/import-format.md names every field of the format, where it belongs, and no field that is none."""

import re
from dataclasses import asdict
from pathlib import Path

import pytest

from app.programmes import soundness
from app.programmes.access import MEASURE_FIELDS
from app.programmes.guards import GUARDS
from app.programmes.ladder import DEFAULT_LADDER
from app.transfer import format as city_format
from app.transfer.entries import Entry, Source, Sourced
from app.transfer.format import CityFile
from app.transfer.nodes import plain, read_nodes
from app.transfer.reading import read

DOC = (Path(__file__).parents[2] / "docs" / "import-format.md").read_text(encoding="utf-8")

SECTIONS: dict[str, list[type[Entry]]] = {
    "## The file": [CityFile],
    "### city": [city_format.City],
    "### organisations": [city_format.Organisation],
    "### units": [city_format.Unit, city_format.EarlierName],
    "### accounts": [city_format.Account, city_format.Membership],
    "### programmes": [city_format.Programme, city_format.FocusArea],
    "**funders**": [city_format.Funder, city_format.DigestOrder, city_format.DigestRecipient],
    "**reminder_steps**": [city_format.ReminderStep],
    "**workflow**": [city_format.Workflow, city_format.WorkflowField],
    "*statuses*": [city_format.Status],
    "*field_rules*": [city_format.FieldRule],
    "*transitions*": [city_format.Transition],
    "*guards*": [city_format.Guard],
    "### grants": [city_format.Grant],
    "**obligations**": [city_format.Obligation],
    "### measures": [city_format.Measure, city_format.Event, city_format.LinkedDocument],
    "**activities**": [city_format.Activity, city_format.UnassignedActivity],
    "**milestones**": [city_format.Milestone],
    "**updates**": [city_format.Update],
    "**Sources.**": [Source],
}

WITHOUT_TABLE = {"**Sources.**", "*guards*"}
"""Sections that describe fields in a sentence or list something else."""

HEADING = re.compile(r"^(?=#+ |\*\*?[a-zA-Z_]+\.?\*\*?)", re.MULTILINE)


def section(heading: str) -> str:
    (found,) = [part for part in HEADING.split(DOC) if part.startswith(heading)]
    return found


def code_words(text: str) -> set[str]:
    """The words that stand in code: between back-ticks or in an example."""
    spans = [*re.findall(r"```yaml(.*?)```", text, re.DOTALL), *re.findall(r"`([^`]+)`", text)]
    return {word for span in spans for word in re.findall(r"\w+", span)}


def kinds_of_entries() -> set[type[Entry]]:
    known = {kind for kind in vars(city_format).values() if isinstance(kind, type) and issubclass(kind, Entry)}
    return known - {Entry, Sourced}


def test_every_kind_of_entry_has_its_section() -> None:
    described = {kind for kinds in SECTIONS.values() for kind in kinds}
    assert kinds_of_entries() <= described


@pytest.mark.parametrize("heading", SECTIONS)
def test_every_field_is_named_in_its_section(heading: str) -> None:
    words = code_words(section(heading))
    for kind in SECTIONS[heading]:
        assert kind.field_names() <= words, f"{kind.__name__}: {kind.field_names() - words}"


@pytest.mark.parametrize("heading", [heading for heading in SECTIONS if heading not in WITHOUT_TABLE])
def test_every_row_names_a_field_and_whether_it_is_needed(heading: str) -> None:
    main = SECTIONS[heading][0]
    fields = {field.alias or name: field for name, field in main.model_fields.items()}
    for row in re.findall(r"^\| (.+?) \|", section(heading), re.MULTILINE):
        for name, star in re.findall(r"`(\w+)`( \*)?", row):
            assert name in fields, f"{heading}: {name}"
            assert fields[name].is_required() == bool(star), f"{heading}: {name}"


def test_every_guard_is_explained() -> None:
    assert set(re.findall(r"^\| `(\w+)`", section("*guards*"), re.MULTILINE)) == set(GUARDS)


def test_the_parameters_of_every_guard_are_named() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (.*?) ?\| ", section("*guards*"), re.MULTILINE)
    assert {guard: tuple(re.findall(r"`(\w+)`", named)) for guard, named in rows} == {
        guard: kind.needs for guard, kind in GUARDS.items()
    }


def test_the_limits_of_a_workflow_are_those_of_the_validator() -> None:
    limits = (
        f"{soundness.MOST_STATUSES}\nstatuses, {soundness.MOST_TRANSITIONS} transitions and {soundness.MOST_FIELDS}"
    )
    assert limits in section("**workflow**")
    assert f"1 to {soundness.MOST_DAYS}" in section("*guards*")
    assert {f"`{field}`" for field in MEASURE_FIELDS} <= set(re.findall(r"`\w+`", section("*field_rules*")))


def test_the_default_ladder_stands_there_as_it_is() -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", section("**reminder_steps**"), re.DOTALL)
    tree, findings = read_nodes("stufen.yaml", example.encode())
    assert findings == []
    assert tree is not None
    assert plain(tree)["reminder_steps"] == [
        {name: value for name, value in asdict(rung).items() if value is not None}
        | {"recipients": [str(part) for part in rung.recipients]}
        for rung in DEFAULT_LADDER
    ]


def test_the_first_example_is_a_sound_city() -> None:
    (example,) = re.findall(r"## A new city.*?```yaml\n(.*?)```", DOC, re.DOTALL)
    reading = read([("stadt.yaml", example.encode())])
    assert reading.findings == ()
    assert reading.city is not None
    assert reading.city.measures[0].unit == "stadtplanung"
