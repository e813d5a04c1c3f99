from pathlib import Path
from time import process_time

import pytest

from app.transfer.findings import Finding
from app.transfer.format import CityFile
from app.transfer.reading import MOST_FINDINGS, read, read_files
from tests.transfer.cities import CITY, changed, city_of, found, only_finding, read_text

SAMPLE = """\
format: 1
sample: true
accounts: [{email: probe@musterstadt.example, name: Probe, trial: true}]
measures:
  - key: radweg
    number: 1
    summary: Ein Radweg am Fluss.
    milestones:
      - {key: start, reached_on: 2022-05-04}
      - {key: ende, title: Freigabe, planned_on: 2023-06-01}
"""


def test_a_file_with_sample_data_marks_what_it_adds_and_nothing_else() -> None:
    city = city_of(CITY, SAMPLE)
    (measure,) = city.measures
    start, end = measure.milestones
    assert not measure.is_sample
    assert measure.sample_fields == {"summary"}
    assert (start.is_sample, start.sample_fields) == (False, frozenset({"reached_on"}))
    assert (end.is_sample, end.sample_fields) == (True, frozenset())
    assert [account.is_sample for account in city.accounts] == [False, True]


def test_a_city_of_one_sample_file_is_sample_as_a_whole() -> None:
    city = city_of(changed("format: 1", "format: 1\nsample: true"))
    assert city.measures[0].is_sample
    assert city.measures[0].activities[0].is_sample


def test_every_entry_knows_where_it_was_written() -> None:
    measure = city_of(CITY, SAMPLE).measures[0]
    assert measure.milestones[0].place("reached_on").file == "datei2.yaml"
    assert measure.milestones[0].place("title").file == "datei1.yaml"
    assert measure.milestones[1].place().path == ("measures", 0, "milestones", 1)
    assert measure.place("unit").line == CITY[: CITY.index("    unit: strassen\n")].count("\n") + 1


def test_a_file_that_only_adds_says_that_it_needs_the_other() -> None:
    findings = read_text("format: 1\nunits: []\n").findings
    assert [found(finding) for finding in findings] == [
        ("city", "Die Angabe „city“ fehlt. Ergänzt die Datei eine andere, so nennen Sie beide, die andere zuerst.")
    ]


@pytest.mark.parametrize(
    ("text", "path", "message"),
    [
        (CITY.replace("format: 1\n", ""), "", "Die Datei beginnt nicht mit „format: 1“."),
        (CITY.replace("format: 1", "format: 2"), "format", "Das Format „2“ ist unbekannt."),
        (CITY.replace("format: 1", "format: {a: 1}"), "format", "Das Format „{'a': 1}“ ist unbekannt."),
        (CITY.replace("format: 1", "format: 1\nsample: ja"), "sample", "Hier wird „true“ oder „false“ erwartet."),
    ],
)
def test_every_file_says_for_itself_what_it_is(text: str, path: str, message: str) -> None:
    finding = only_finding(text)
    assert finding.path == path
    assert str(finding.message).startswith(message)
    late = only_finding(CITY, text)
    assert (late.file, late.path) == ("datei2.yaml", path)


def test_an_unreadable_file_keeps_the_others_from_being_judged() -> None:
    finding = only_finding(CITY, "a: [")
    assert finding.file == "datei2.yaml"
    assert read_text(changed("status: geplant", "status: x"), "a: [").findings == (finding,)


def test_nothing_to_read_is_no_city() -> None:
    reading = read([])
    assert (reading.city, reading.findings) == (None, ())


def test_a_hundred_findings_are_enough() -> None:
    units = "".join(f"  - {{key: u{n}, name: {n}}}\n" for n in range(150))
    findings = read_text(CITY.replace("units:\n", f"units:\n{units}")).findings
    assert len(findings) == MOST_FINDINGS + 1
    assert str(findings[-1].message) == "Es gibt noch mindestens 50 weitere Befunde."


def test_ten_thousand_broken_entries_are_judged_in_seconds() -> None:
    measures = "".join(f"  - {{key: m{n}, programme: klma, status: gepant}}\n" for n in range(10_000))
    findings = read_text(CITY.replace("measures:\n", f"measures:\n{measures}", 1)).findings
    assert len(findings) == MOST_FINDINGS + 1


def test_files_are_read_from_disk(tmp_path: Path) -> None:
    path = tmp_path / "stadt.yaml"
    path.write_text(CITY, encoding="utf-8")
    assert isinstance(read_files([path]).city, CityFile)


def test_a_file_that_cannot_be_opened_is_a_finding(tmp_path: Path) -> None:
    missing, folder = tmp_path / "fehlt.yaml", tmp_path
    reading = read_files([missing, folder])
    assert reading.city is None
    assert [(finding.file, str(finding.message)) for finding in reading.findings] == [
        (str(missing), "Diese Datei gibt es nicht."),
        (str(folder), "Das ist ein Ordner, keine Datei."),
    ]


def test_a_finding_is_a_value() -> None:
    finding = only_finding(changed("status: geplant", "status: x"))
    assert isinstance(finding, Finding)
    assert (finding.file, finding.level) == ("datei1.yaml", "error")
    assert finding.line == CITY[: CITY.index("    status: geplant\n")].count("\n") + 1


# -- warnings ---------------------------------------------------------------------------------------------------

GERMAN_ONLY = changed("label: {de: Geplant, en: Planned}", "label: Geplant")


def test_a_warning_is_told_and_keeps_nothing_from_being_read() -> None:
    reading = read_text(GERMAN_ONLY)
    assert reading.city is not None
    assert [(finding.level, *found(finding)) for finding in reading.findings] == [
        ("warning", "programmes[0].workflow.statuses[0].label", "die englische Fassung fehlt")
    ]


def test_warnings_come_after_errors_and_never_crowd_one_out() -> None:
    many = "".join(f"        - {{key: s{n}, label: S{n}, category: planned}}\n" for n in range(90))
    steps = "".join(
        f"        - {{key: t{n}, from: geplant, to: s{n}, label: T{n}, roles: [coordinator]}}\n"
        f"        - {{key: u{n}, from: s{n}, to: umgesetzt, label: U{n}, roles: [coordinator]}}\n"
        for n in range(90)
    )
    text = CITY.replace("      transitions:\n", f"{many}      transitions:\n{steps}")
    reading = read_text(text)
    assert reading.city is not None
    assert {finding.level for finding in reading.findings} == {"warning"}
    assert len(reading.findings) == MOST_FINDINGS + 1
    wrong = read_text(text.replace("amount: 650000.50", "amount: 9999999"))
    assert wrong.city is None
    assert [finding.path for finding in wrong.findings if finding.level == "error"] == ["grants[0].amount"]
    assert wrong.findings[0].path == "grants[0].amount"
    assert len(wrong.findings) == MOST_FINDINGS + 1


@pytest.mark.parametrize(
    ("accounts", "warned"),
    [
        ("accounts: []\n", []),
        ("accounts: [{email: a@b.example, name: A, memberships: [{role: coordinator}]}]\n", ["roles"]),
        ("accounts: [{email: a@b.example, name: A}]\n", ["roles"]),
    ],
)
def test_a_step_that_nobody_of_the_file_may_take_is_a_warning(accounts: str, warned: list[str]) -> None:
    head, rest = CITY.split("accounts:\n")
    text = head + accounts + rest[rest.index("programmes:") :]
    text = text.replace("    lead: leitung@musterstadt.example\n", "")
    text = text[: text.index("    updates:\n")]
    reading = read_text(text)
    assert reading.city is not None
    paths = [f"programmes[0].workflow.transitions[0].{name}" for name in warned]
    assert [finding.path for finding in reading.findings] == paths


def test_who_leads_a_measure_is_a_lead_there_without_the_role() -> None:
    text = changed(", memberships: [{role: project_lead, unit: strassen}]", "")
    assert read_text(text).findings == ()
    nobody = text.replace("    lead: leitung@musterstadt.example\n", "")
    assert [finding.level for finding in read_text(nobody).findings] == ["warning"]


# -- bad input --------------------------------------------------------------------------------------------------


def statuses(n: int) -> str:
    rows = "".join(f"        - {{key: s{number}, label: S, category: planned}}\n" for number in range(n))
    return CITY.replace("      transitions:\n", f"{rows}      transitions:\n")


def test_ten_thousand_statuses_are_refused_in_a_moment() -> None:
    text = statuses(10_000)
    began = process_time()
    finding = only_finding(text)
    assert process_time() - began < 2
    assert finding.path == "programmes[0].workflow.statuses"
    assert "höchstens 100" in str(finding.message)


def test_a_small_file_does_not_unfold_into_a_huge_one() -> None:
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9)
    )
    began = process_time()
    finding = only_finding(CITY + bomb)
    assert process_time() - began < 2
    assert finding.path.startswith("a")
    assert "zu viele Angaben" in str(finding.message)


STEP = "roles: [project_lead]}\n  - key: anderes"
DONE = "category: done, final: true}"


@pytest.mark.parametrize(
    ("old", "new", "path", "message"),
    [
        (DONE, "category: done, final: true, field_rules: {a: b}}", "statuses[1].field_rules", "eine Liste"),
        (
            DONE,
            "category: done, final: true, field_rules: [{field: title}]}",
            "statuses[1].field_rules[0].rule",
            "fehlt",
        ),
        (
            DONE,
            "category: done, final: true, field_rules: [{field: title, rule: readonly}]}",
            "statuses[1].field_rules[0].rule",
            "Meinten Sie „read_only“?",
        ),
        (
            DONE,
            "category: done, final: true, field_rules: [{field: titel, rule: required}]}",
            "statuses[1].field_rules[0].field",
            "das Feld „titel“ ist unbekannt; meinten Sie „title“?",
        ),
        (
            DONE,
            "category: done, final: true, field_rules: [{field: title, rule: hidden}]}",
            "statuses[1].field_rules[0].rule",
            "„Titel“ lässt sich nicht verbergen",
        ),
        (
            DONE,
            "category: done, final: true, field_rules: [{field: title, rule: required, roles: [boss]}]}",
            "statuses[1].field_rules[0].roles[0]",
            "„boss“ ist hier nicht möglich.",
        ),
        (STEP, STEP.replace("]}", "], four_eyes: ja}"), "transitions[0].four_eyes", "Hier wird „true“ oder „false“"),
        (STEP, STEP.replace("]}", "], guards: note_given}"), "transitions[0].guards", "eine Liste"),
        (STEP, STEP.replace("]}", "], guards: [note_given]}"), "transitions[0].guards[0]", "benannte Angaben"),
        (STEP, STEP.replace("]}", "], guards: [{guard: magic}]}"), "transitions[0].guards[0].guard", "unbekannt"),
        (
            STEP,
            STEP.replace("]}", "], guards: [{guard: progress_current, days: viele}]}"),
            "transitions[0].guards[0].days",
            "eine ganze Zahl",
        ),
        (
            STEP,
            STEP.replace("]}", "], guards: [{guard: progress_current, days: 0}]}"),
            "transitions[0].guards[0].days",
            "1 bis",
        ),
        (
            STEP,
            STEP.replace("]}", "], guards: [{guard: progress_current}]}"),
            "transitions[0].guards[0].days",
            "gehört „days“",
        ),
        (
            STEP,
            STEP.replace("]}", "], guards: [{guard: note_given, days: 3}]}"),
            "transitions[0].guards[0].days",
            "kennt „days“ nicht",
        ),
        (
            STEP,
            STEP.replace("]}", "], guards: [{guard: fields_filled, fields: summary}]}"),
            "transitions[0].guards[0].fields",
            "eine Liste",
        ),
        (
            STEP,
            STEP.replace("]}", "], guards: [{guard: fields_filled, fields: [sumary]}]}"),
            "transitions[0].guards[0].fields[0]",
            "meinten Sie „summary“?",
        ),
        (
            STEP,
            STEP.replace("]}", "], guards: [{guard: decision_recorded, number: x, link: y}]}"),
            "transitions[0].guards[0].number",
            "das Feld „x“ ist unbekannt",
        ),
        (
            STEP,
            STEP.replace("]}", "], guards: [{guard: note_given, guard: note_given}]}"),
            "transitions[0].guards[0].guard",
            "steht zweimal",
        ),
    ],
)
def test_a_wrong_workflow_is_refused_at_the_place(old: str, new: str, path: str, message: str) -> None:
    reading = read_text(changed(old, new))
    assert reading.city is None
    findings = {finding.path: str(finding.message) for finding in reading.findings if finding.level == "error"}
    assert message in findings[f"programmes[0].workflow.{path}"], findings


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        ("    level: state\n", "    level: state\n    emergency_override: 1\n", "programmes[0].emergency_override"),
        ("    number: 1\n", "    number: 1\n    predecessors: radweg\n", "measures[0].predecessors"),
        ("    number: 1\n", "    number: 1\n    predecessors: [3]\n", "measures[0].predecessors[0]"),
    ],
)
def test_a_wrong_type_is_refused_at_the_place(old: str, new: str, path: str) -> None:
    assert only_finding(changed(old, new)).path == path


def test_markup_in_a_label_is_text() -> None:
    label = "<script>alert(1)</script> & {{ 7 * 7 }}"
    city = city_of(changed("de: Geplant,", f"de: '{label}',"))
    assert city.programmes[0].workflow.statuses[0].label.de == label
