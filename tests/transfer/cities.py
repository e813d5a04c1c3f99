"""A small sound city file, and a way to change one spot of it."""

from __future__ import annotations

from app.transfer.findings import Finding
from app.transfer.format import CityFile
from app.transfer.nodes import Node
from app.transfer.reading import Reading, read

CITY = """\
format: 1
city: {key: musterstadt, name: Stadt Musterstadt, state: HE}
organisations:
  - {key: umweltministerium, kind: funder, name: Umweltministerium}
  - {key: verein, kind: partner, name: Verein}
units:
  - {key: planung, name: Planungsamt}
  - {key: strassen, parent: planung, name: Straßenbau}
accounts:
  - {email: leitung@musterstadt.example, name: Leitung, memberships: [{role: project_lead, unit: strassen}]}
programmes:
  - key: klima
    name: Kommunaler Klimaschutz
    level: state
    funders: [{organisation: umweltministerium, digest: {rhythm: quarterly}}]
    focus_areas: [{key: verkehr, name: Verkehr}]
    reminder_steps: [{key: vorher, offset_days: -7, recipients: [project_lead]}]
    workflow:
      initial: geplant
      statuses:
        - {key: geplant, label: {de: Geplant, en: Planned}, category: planned}
        - {key: umgesetzt, label: {de: Umgesetzt, en: Done}, category: done, final: true}
      transitions:
        - {key: fertig, from: geplant, to: umgesetzt, label: {de: Abschließen, en: Finish}, roles: [project_lead]}
  - key: anderes
    name: Anderes Programm
    level: federal
    workflow: {initial: offen, statuses: [{key: offen, label: {de: Offen, en: Open}, category: planned, final: true}]}
grants:
  - key: bescheid
    programme: klima
    title: Zuwendung
    period_starts: 2022-01-01
    period_ends: 2023-12-31
    amount: 650000.50
    total_cost: 1000000
    rate: 0.65
    measures: [radweg]
measures:
  - key: radweg
    programme: klima
    number: 1
    title: {de: Radweg, en: Cycle path}
    focus_area: verkehr
    unit: strassen
    lead: leitung@musterstadt.example
    starts: 2022-01
    ends: 2023-22
    status: geplant
    activities: [{key: bruecke, title: Brücke}]
    milestones: [{key: start, title: Baubeginn, planned_on: 2022-05-01}]
    updates:
      - period: 2022-Q4
        health: green
        percent: 40
        done: Die Trasse ist abgesteckt.
        author: leitung@musterstadt.example
"""


def read_text(*texts: str) -> Reading:
    return read([(f"datei{number}.yaml", text.encode()) for number, text in enumerate(texts, 1)])


def city_of(*texts: str) -> CityFile:
    reading = read_text(*texts)
    assert reading.city is not None, [str(finding.message) for finding in reading.findings]
    return reading.city


def changed(old: str, new: str) -> str:
    """The sound file with one spot changed."""
    assert CITY.count(old) == 1, f"{old!r} stands {CITY.count(old)} times in the file"
    return CITY.replace(old, new)


def only_finding(*texts: str) -> Finding:
    """The one finding of a file that has exactly one."""
    reading = read_text(*texts)
    assert len(reading.findings) == 1, [(f.path, str(f.message)) for f in reading.findings]
    assert reading.city is None
    return reading.findings[0]


def descend(node: Node, *path: str | int) -> Node:
    """The node at a path of a tree."""
    for part in path:
        if isinstance(node.value, dict):
            node = node.value[str(part)]
        else:
            assert isinstance(node.value, list)
            assert isinstance(part, int)
            node = node.value[part]
    return node


def found(finding: Finding) -> tuple[str, str]:
    return finding.path, str(finding.message)
