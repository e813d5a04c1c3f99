from pathlib import Path

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
