"""The kinds of values in a city file: days, money, addresses, and how each may be written."""

from __future__ import annotations

import re
from datetime import date, time
from decimal import Decimal
from typing import Annotated, Any, TypeAlias
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator
from pydantic_core import PydanticCustomError

from app.calendars.partial_dates import PartialDate
from app.calendars.periods import Period, Rhythm
from app.programmes.ladder import LATEST_SEND_TIME


def _as_written(value: Any) -> str:
    """The text of a value that may have been read as a number, such as a bare year; nothing for anything else."""
    return str(value).strip() if isinstance(value, (str, int)) and not isinstance(value, bool) else ""


def _day(value: Any) -> date:
    written = _as_written(value)
    try:
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", written):
            return date.fromisoformat(written)
    except ValueError:
        pass
    raise PydanticCustomError("day", "not a day")


def _partial_date(value: Any) -> PartialDate:
    try:
        partial_date = PartialDate.parse(_as_written(value))
        partial_date.last_day()  # the winter of the year 9999 would end after the calendar does
    except ValueError:
        raise PydanticCustomError("partial_date", "not a date") from None
    return partial_date


def _period(value: Any) -> Period:
    try:
        return Period.parse(_as_written(value))
    except ValueError:
        raise PydanticCustomError("period", "not a period") from None


def _clock_time(value: Any) -> time:
    match = re.fullmatch(r"([01]?\d|2[0-3]):([0-5]\d)", _as_written(value))
    if not match:
        raise PydanticCustomError("clock_time", "not a time of day")
    return time(int(match[1]), int(match[2]))


def _early_enough(send_time: time) -> time:
    if send_time > LATEST_SEND_TIME:
        raise PydanticCustomError("send_time", "too late")
    return send_time


def _number(value: Any, kind: str, most_digits: int, most_places: int) -> Decimal:
    written = str(value) if isinstance(value, (str, int, Decimal)) and not isinstance(value, bool) else ""
    if not re.fullmatch(r"-?\d+(\.\d+)?", written):
        raise PydanticCustomError(kind, "not a number")
    whole, _, places = written.lstrip("-").partition(".")
    if written.startswith("-"):
        raise PydanticCustomError("negative", "negative")
    if len(places) > most_places:
        raise PydanticCustomError(f"{kind}_places", "too many places")
    if len(whole) > most_digits:
        raise PydanticCustomError(f"{kind}_too_large", "too large")
    return Decimal(written)


def _money(value: Any) -> Decimal:
    return _number(value, "money", 12, 2).quantize(Decimal("0.01"))


def _share(value: Any) -> Decimal:
    share = _number(value, "share", 1, 4)
    if share > 1:
        raise PydanticCustomError("share", "more than one")
    return share


def _email(value: Any) -> str:
    written = _as_written(value).lower()
    if not re.fullmatch(r"[^@\s<>,;\"]+@[^@\s<>,;\"]+\.[a-z0-9-]+", written) or len(written) > 254:
        raise PydanticCustomError("email", "not an address")
    return written


def _address(value: Any) -> str:
    written = _as_written(value)
    try:
        parts = urlsplit(written)
    except ValueError:
        raise PydanticCustomError("address", "not an address") from None
    if parts.scheme not in ("http", "https") or not parts.netloc or re.search(r"\s", written):
        raise PydanticCustomError("address", "not an address")
    if len(written) > 1000:
        raise PydanticCustomError("string_too_long", "too long", {"max_length": 1000})
    return written


def _time_zone(value: Any) -> str:
    written = _as_written(value)
    try:
        return ZoneInfo(written).key
    except (ValueError, OSError, KeyError):
        raise PydanticCustomError("time_zone", "not a time zone") from None


def _line(value: Any) -> Any:
    if isinstance(value, str) and re.search(r"[\r\n]", value.strip()):
        raise PydanticCustomError("one_line", "several lines")
    return value


Line: TypeAlias = Annotated[str, Field(min_length=1, max_length=300), BeforeValidator(_line)]
Paragraph: TypeAlias = Annotated[str, Field(min_length=1, max_length=10_000)]
Key: TypeAlias = Annotated[str, Field(pattern=r"^[a-z0-9]+([-_][a-z0-9]+)*$", max_length=60)]
Day: TypeAlias = Annotated[date, PlainValidator(_day, json_schema_input_type=date)]
DateInPart: TypeAlias = Annotated[
    PartialDate,
    PlainValidator(
        _partial_date,
        json_schema_input_type=Annotated[str, Field(pattern=r"^\d{4}(-\d{2}(-\d{2})?)?$")] | int,
    ),
]
PeriodKey: TypeAlias = Annotated[
    Period,
    PlainValidator(_period, json_schema_input_type=Annotated[str, Field(pattern=r"^\d{4}-(\d{2}|Q[1-4]|H[12])$")]),
]
ClockTime: TypeAlias = Annotated[
    time,
    PlainValidator(_clock_time, json_schema_input_type=Annotated[str, Field(pattern=r"^\d{1,2}:\d{2}$")]),
]
SendTime: TypeAlias = Annotated[ClockTime, AfterValidator(_early_enough)]
_Amount: TypeAlias = Annotated[Decimal, Field(ge=0)]
Money: TypeAlias = Annotated[Decimal, PlainValidator(_money, json_schema_input_type=_Amount)]
Share: TypeAlias = Annotated[Decimal, PlainValidator(_share, json_schema_input_type=_Amount)]
Email: TypeAlias = Annotated[str, PlainValidator(_email, json_schema_input_type=str)]
Address: TypeAlias = Annotated[str, PlainValidator(_address, json_schema_input_type=str)]
TimeZone: TypeAlias = Annotated[str, PlainValidator(_time_zone, json_schema_input_type=str)]
Often: TypeAlias = Annotated[Rhythm, Field(strict=False)]
