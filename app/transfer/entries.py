"""What every entry of a city file has: known fields only, two languages, sources, and a place in a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Annotated, Any, Literal, TypeAlias, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    PrivateAttr,
    model_validator,
)
from pydantic_core import PydanticCustomError, core_schema

from app.core.localized import Localized
from app.transfer.findings import Place
from app.transfer.values import Address, Line, Paragraph

WHOLE_ENTRY = "*"
"""The name under which `sources` keeps the sources of an entry as a whole."""

NOWHERE = Place("")

AnyValue = TypeVar("AnyValue")
Many: TypeAlias = Annotated[list[AnyValue], Field(default_factory=list)]
"""A list that may be left out."""


@dataclass(frozen=True)
class Origin:
    """Where an entry was written, and where those of its fields that a later file added."""

    place: Place = NOWHERE
    is_sample: bool = False
    fields: Mapping[str, Place] = field(default_factory=dict)
    sample_fields: frozenset[str] = frozenset()


class Entry(BaseModel):
    """One mapping of the file."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, str_strip_whitespace=True, use_attribute_docstrings=True
    )

    _origin: Origin = PrivateAttr(default_factory=Origin)

    @model_validator(mode="before")
    @classmethod
    def _null_is_left_out(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        known = cls.field_names()
        return {name: item for name, item in value.items() if item is not None or name not in known}

    @classmethod
    @cache  # asked for every single entry of a file
    def field_names(cls) -> frozenset[str]:
        """The names of the fields as they are written in a file."""
        return frozenset(field.alias or name for name, field in cls.model_fields.items())

    @property
    def origin(self) -> Origin:
        """Where the entry comes from."""
        return self._origin

    @property
    def is_sample(self) -> bool:
        """Whether a file with `sample: true` brought the entry."""
        return self._origin.is_sample

    @property
    def sample_fields(self) -> frozenset[str]:
        """The fields that a file with `sample: true` added to an entry of another file."""
        return self._origin.sample_fields

    def written_at(self, origin: Origin) -> None:
        """Notes where the entry was read."""
        self._origin = origin

    def place(self, *path: str | int) -> Place:
        """Where a field of the entry is written; without a name, the entry itself."""
        if not path:
            return self._origin.place
        name, *further = path
        known = self._origin.fields.get(str(name))
        return known.at(*further) if known else self._origin.place.at(*path)


class _LineInLanguages(Entry):
    de: Line
    """The wording in German."""
    en: Line | None = None
    """The wording in English; where it is missing, the German one is shown."""


class _ParagraphInLanguages(Entry):
    de: Paragraph
    """The wording in German."""
    en: Paragraph | None = None
    """The wording in English; where it is missing, the German one is shown."""


def _german_alone(value: Any) -> Any:
    if isinstance(value, str):
        return {"de": value}
    if not isinstance(value, (dict, list)):
        raise PydanticCustomError("string_type", "text expected")
    return value


def _localized(words: _LineInLanguages | _ParagraphInLanguages) -> Localized:
    return Localized(words.de, words.en)


@dataclass(frozen=True)
class InLanguages:
    """Reads `{de: …, en: …}`, or a bare string as German alone, as a `Localized`."""

    wording: type[_LineInLanguages] | type[_ParagraphInLanguages]

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        words = core_schema.no_info_before_validator_function(_german_alone, handler.generate_schema(self.wording))
        return core_schema.no_info_after_validator_function(_localized, words)

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {"anyOf": [{"type": "string", "minLength": 1}, handler(schema)]}


Words: TypeAlias = Annotated[Localized, InLanguages(_LineInLanguages)]
LongWords: TypeAlias = Annotated[Localized, InLanguages(_ParagraphInLanguages)]


class Source(Entry):
    """Where a fact can be read. A bare address is short for `{address: …}`."""

    address: Address
    """The page that states the fact."""
    confidence: Literal["high", "medium", "low"] | None = None
    """high: the responsible body states it; medium: one second-hand or older source; low: a hint only."""
    note: Words | None = None
    """What must be known to read the fact rightly, such as "rounded in the source"."""


def _named_sources(value: Any) -> Any:
    """The short forms of sources, spelt out: a list speaks for the whole entry, an address for a source."""
    if isinstance(value, list):
        value = {WHOLE_ENTRY: value}
    if not isinstance(value, dict):
        return value
    return {
        name: [{"address": item} if isinstance(item, str) else item for item in items]
        if isinstance(items, list)
        else items
        for name, items in value.items()
    }


_SourcesWritten: TypeAlias = dict[str, list[str | Source]] | list[str | Source]
Sources: TypeAlias = Annotated[
    dict[str, list[Source]], BeforeValidator(_named_sources, json_schema_input_type=_SourcesWritten)
]


class Sourced(Entry):
    """An entry with facts."""

    sources: Sources = {}
    """The sources of each field by its name, or one list for the entry as a whole."""
