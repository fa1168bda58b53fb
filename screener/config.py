"""The settings: what needs a restart. The only reader of the environment and of `screener.toml`."""

from __future__ import annotations

import difflib
import ipaddress
import os
import tomllib
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote, urlsplit, urlunsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import tomli_w
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from screener.domain.catalogue import Language
from screener.domain.delivery import ArchiveMode
from screener.domain.eligibility import EligibilityRules
from screener.domain.errors import ConfigurationError
from screener.domain.finding import ConclusionRules
from screener.domain.identifiers import AeTitle
from screener.domain.report import (
    DEFAULT_OBJECTS,
    FIRST_SERIES_NUMBER,
    ArchiveObject,
    CaptureModality,
    ReportClass,
    ResultForm,
    object_kinds,
)
from screener.domain.rules import SiteRules

#: Read where SCREENER_CONFIG does not name another file.
DEFAULT_FILE = Path("screener.toml")

_ENV_PREFIX = "SCREENER_"
_CONFIG_VARIABLE = "SCREENER_CONFIG"
_NESTED = "__"


class _Section(BaseModel):
    # not a finite number: JSON, in which rules are kept, has no word for it
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class SiteSettings(_Section):
    """Whose node this is."""

    #: Shown by `screener status`, so that nobody mistakes one node for another.
    name: str = Field(default="unnamed site", max_length=64)
    #: Time zone of the dates in our objects, such as Asia/Seoul; empty for the film's own, where it
    #: states one, else UTC.
    timezone: str = ""

    @field_validator("timezone")
    @classmethod
    def _is_a_zone(cls, value: str) -> str:
        try:
            if value:
                ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError("not a time zone such as Asia/Seoul or Europe/Berlin") from None
        return value

    @property
    def zone(self) -> ZoneInfo | None:
        """The time zone, or None where it is not set."""
        return ZoneInfo(self.timezone) if self.timezone else None


class StorageSettings(_Section):
    """Where rows and bytes live."""

    #: SQLAlchemy URL; empty for a SQLite file `screener.db` in `folder`.
    database_url: str = ""
    #: File that holds the password alone, for a URL without one.
    database_password_file: Path | None = None
    #: `spool/` (films as received) and `vault/` (our reports) are made in it.
    folder: Path = Path("screener-data")
    #: Below this much free space films are refused with 0xA700, before anything breaks.
    min_free_mb: int = Field(default=1024, ge=1)

    @property
    def url(self) -> str:
        """The URL with its password, or `ConfigurationError` where that cannot be read."""
        if not self.database_url:
            return f"sqlite:///{self.folder.absolute() / 'screener.db'}"
        return _with_password(
            self.database_url, self.database_password_file, "storage.database_password_file"
        )


class CallerSettings(_Section):
    """One modality or router that may send films."""

    ae_title: str
    #: An IP address or network that it must call from, such as 10.1.0.0/16; any where not given.
    host: str | None = None

    _check = field_validator("ae_title")(lambda value: str(AeTitle(value)))

    @field_validator("host")
    @classmethod
    def _is_an_address(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                ipaddress.ip_network(value, strict=False)
            except ValueError:
                raise ValueError(
                    "neither an IP address nor a network such as 10.1.0.0/16"
                ) from None
        return value


class ListenerSettings(_Section):
    """The C-STORE service."""

    ae_title: str = "BMDSCREEN"
    #: 127.0.0.1 until a site decides who may reach it.
    host: str = "127.0.0.1"
    port: int = Field(default=11112, ge=1, le=65535)
    #: Who may send; archives may always call, for their storage commitment reports.
    callers: tuple[CallerSettings, ...] = ()
    #: For a test network only.
    allow_any_caller: bool = False
    max_associations: int = Field(default=32, ge=1, le=1000)
    #: An association that is silent for so long is aborted.
    idle_timeout_s: float = Field(default=60.0, gt=0)
    #: Deflated Explicit VR and Explicit VR Big Endian are retired or rare: only where a site needs.
    accept_rare_transfer_syntaxes: bool = False

    _check = field_validator("ae_title")(lambda value: str(AeTitle(value)))


class ConfirmBy(StrEnum):
    """How we learn that an archive keeps an object."""

    #: Storage commitment: ends in COMMITTED.
    COMMITMENT = "commitment"
    #: C-FIND, for an archive without storage commitment: ends in VERIFIED.
    QUERY = "query"


class Withdrawal(StrEnum):
    """How an archive learns that objects which it has are withdrawn, beside the report of it."""

    #: It does not: its administrator deletes them, and `screener deletions` lists which.
    NONE = "none"
    #: By a rejection note (IHE IOCM), which hides them.
    IOCM = "iocm"


class ArchiveSettings(_Section):
    """One archive that keeps our reports."""

    #: Ours for it, in rules, logs and status.
    name: str = Field(min_length=1, max_length=32, pattern=r"^[a-z0-9][a-z0-9_-]*$")
    ae_title: str
    host: str
    port: int = Field(ge=1, le=65535)
    #: Mode in version 1 of the rules; later changes go through `screener rules import`.
    mode: ArchiveMode = ArchiveMode.OFF
    confirm_by: ConfirmBy = ConfirmBy.COMMITMENT
    #: SOP class that the report is written in for this archive; `screener check` tells which it
    #: takes.
    report_class: ReportClass = ReportClass.COMPREHENSIVE_3D
    #: Language of report, captures and document: en or ko.
    language: Language = Language.ENGLISH
    #: What it is sent: of report, overlay, card, presentation, document.
    objects: tuple[ArchiveObject, ...] = DEFAULT_OBJECTS
    #: Modality of overlay and card.
    capture_modality: CaptureModality = CaptureModality.OTHER
    #: Series number of the report; the other objects follow it. Behind those of the child's films.
    first_series_number: int = Field(default=FIRST_SERIES_NUMBER, ge=100, le=999_990)
    #: Whether studies that are not low are sent, too.
    report_not_low: bool = False
    #: Whether the archive understands rejection notes.
    withdrawal: Withdrawal = Withdrawal.NONE
    #: How long the archive may take to answer, s.
    timeout_s: float = Field(default=30.0, gt=0)

    _check = field_validator("ae_title")(lambda value: str(AeTitle(value)))

    @field_validator("objects")
    @classmethod
    def _are_some(cls, value: tuple[ArchiveObject, ...]) -> tuple[ArchiveObject, ...]:
        if not value:
            raise ValueError('empty; to send nothing, set mode = "off"')
        return value

    @property
    def form(self) -> ResultForm:
        """What this archive gets of a finding, and how."""
        return ResultForm(
            report_class=self.report_class,
            language=self.language,
            kinds=object_kinds(self.objects),
            capture_modality=self.capture_modality,
            first_series_number=self.first_series_number,
            not_low=self.report_not_low,
        )


class PredictorSettings(_Section):
    """What estimates."""

    #: Wins over `screener predictor use`; empty for what that put in force, at first the one that
    #: ships, which is synthetic and scores no real film.
    folder: Path | None = None
    device: Literal["cpu", "cuda"] = "cpu"
    #: Threads of the scoring process; 0 for one per core.
    threads: int = Field(default=0, ge=0)

    @field_validator("folder", mode="before")
    @classmethod
    def _none_if_empty(cls, value: object) -> object:
        """Take an empty text for none: the path of an empty text is the folder one stands in."""
        return None if value == "" else value


class ReferenceSettings(_Section):
    """What turns aBMD into a Z-score."""

    #: NAME or NAME@VERSION of one that ships or that `screener reference add` added, or the path of
    #: a site's own table.
    bmd: str = "synthetic-demo"
    #: Coefficients for the height-adjusted Z (CSV with a JSON file beside it); none if not given.
    height_adjustment: Path | None = None


class DriveSettings(_Section):
    """How stages are run."""

    #: Pause between two looks at an empty queue, s.
    poll_s: float = Field(default=0.5, gt=0)
    #: Films claimed at once for scoring.
    score_batch: int = Field(default=8, ge=1)
    #: A worker that is silent for so long is taken for dead, s.
    lease_s: float = Field(default=120.0, ge=1)
    #: A commitment report later than this is asked for again, h.
    commitment_overdue_h: float = Field(default=24.0, gt=0)


class BrokerSettings(_Section):
    """Redis, which passes nudges to the workers where the node is more than one machine."""

    #: Such as redis://redis:6379/0; empty where `screener up` runs the whole node.
    url: str = ""
    #: File that holds the password alone, for a URL without one.
    password_file: Path | None = None

    @field_validator("url")
    @classmethod
    def _is_redis(cls, value: str) -> str:
        if value and urlsplit(value).scheme not in {"redis", "rediss"}:
            raise ValueError("not a URL such as redis://redis:6379/0")
        return value

    @property
    def full_url(self) -> str:
        """The broker's URL, or `ConfigurationError` where there is none or its password is not."""
        if not self.url:
            raise ConfigurationError(
                "broker.url is empty: name the Redis server, such as redis://redis:6379/0, or run "
                "the whole node on this machine by `screener up`"
            )
        return _with_password(self.url, self.password_file, "broker.password_file")

    @property
    def shown_url(self) -> str:
        """The URL without its password."""
        parts = urlsplit(self.url)
        if parts.password is None:
            return self.url
        host = parts.netloc.rpartition("@")[2]
        return urlunsplit(parts._replace(netloc=f"{parts.username or ''}:***@{host}"))


class MetricsSettings(_Section):
    """Prometheus metrics of the listener."""

    #: 0 for none; bound to 127.0.0.1.
    port: int = Field(default=0, ge=0, le=65535)


class RulesDocument(_Section):
    """The rules as a document: version 1 in `screener.toml`, later versions imported."""

    eligibility: EligibilityRules = EligibilityRules()
    conclusion: ConclusionRules = ConclusionRules()
    archives: dict[str, ArchiveMode] = Field(default_factory=dict)

    def site_rules(self, version: int) -> SiteRules:
        """Return the rules that the document holds, under a version."""
        return SiteRules(
            version=version,
            eligibility=self.eligibility,
            conclusion=self.conclusion,
            archives=dict(self.archives),
        )


class Settings(BaseSettings):
    """Everything that needs a restart, and the rules that a new database starts with."""

    model_config = SettingsConfigDict(
        env_prefix=_ENV_PREFIX, env_nested_delimiter=_NESTED, extra="forbid", frozen=True
    )

    site: SiteSettings = SiteSettings()
    storage: StorageSettings = StorageSettings()
    listener: ListenerSettings = ListenerSettings()
    archives: tuple[ArchiveSettings, ...] = ()
    predictor: PredictorSettings = PredictorSettings()
    reference: ReferenceSettings = ReferenceSettings()
    drive: DriveSettings = DriveSettings()
    broker: BrokerSettings = BrokerSettings()
    metrics: MetricsSettings = MetricsSettings()
    rules: RulesDocument = RulesDocument()

    @model_validator(mode="after")
    def _names_are_unique(self) -> Settings:
        names = [archive.name for archive in self.archives]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"two archives are named {name!r}")
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - pydantic's signature
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Let the environment win over the file."""
        return env_settings, init_settings

    def first_rules(self) -> RulesDocument:
        """Return version 1 of the rules: the file's, with the archives' modes."""
        modes = {archive.name: archive.mode for archive in self.archives}
        return self.rules.model_copy(update={"archives": modes | self.rules.archives})


def load_settings(path: Path | None = None) -> Settings:
    """Read the settings from a TOML file and the environment.

    Parameters
    ----------
    path
        The file; where None, the one that SCREENER_CONFIG names, else `screener.toml` where that
        exists, else none.

    Raises
    ------
    ConfigurationError
        The file is missing or is not TOML, or a setting is wrong: names each, with what it was
        and what is allowed.
    """
    named = path or (Path(p) if (p := os.environ.get(_CONFIG_VARIABLE)) else None)
    if named is not None and not named.is_file():
        raise ConfigurationError(f"there is no settings file {named}")
    file = named or DEFAULT_FILE
    values = read_toml(file) if file.is_file() else {}
    _refuse_unknown_variables()
    try:
        return Settings(**values)
    except SettingsError as error:
        raise ConfigurationError(
            f"a {_ENV_PREFIX}… variable cannot be read ({error}): a list or a whole section is "
            f"""written as JSON, such as {_ENV_PREFIX}LISTENER__CALLERS='[{{"ae_title": "CR1"}}]'"""
        ) from None
    except ValidationError as error:
        raise ConfigurationError(_explain(error, Settings, file)) from None


def read_rules(path: Path) -> RulesDocument:
    """Read rules from a TOML file: one written by `export_rules`, or a whole `screener.toml`.

    Raises
    ------
    ConfigurationError
        As `load_settings`.
    """
    if not path.is_file():
        raise ConfigurationError(f"there is no rules file {path}")
    values = read_toml(path)
    if set(values) - {"rules"}:
        return load_settings(path).first_rules()
    if "rules" not in values:
        raise ConfigurationError(f"{path} has no [rules]; `screener rules export` writes some")
    try:
        return RulesDocument.model_validate(values["rules"])
    except ValidationError as error:
        raise ConfigurationError(_explain(error, RulesDocument, path)) from None


def export_rules(document: RulesDocument) -> str:
    """Write rules as TOML that `read_rules` takes."""
    return tomli_w.dumps(
        {"rules": document.model_dump(mode="json", exclude_none=True)}, multiline_strings=False
    )


def export_settings(values: Mapping[str, Any]) -> str:
    """Write settings as TOML, as `screener.toml` has them; what is not set is left out."""
    return tomli_w.dumps(_set_only(dict(values)))


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file, or raise `ConfigurationError` with the line that is wrong."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise ConfigurationError(f"{path}: {error}") from None


def _with_password(url: str, file: Path | None, setting: str) -> str:
    """Put the password that a file holds into a URL."""
    if file is None:
        return url
    try:
        parts = urlsplit(url)
        has_password = parts.password is not None
    except ValueError:
        raise ConfigurationError(f"{setting}: its URL is none that can be read") from None
    if has_password:
        raise ConfigurationError(f"{setting} is set, and the URL has a password too: keep one")
    try:
        password = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"{setting} {file} cannot be read ({type(error).__name__})"
        ) from None
    if not password:
        raise ConfigurationError(f"{setting} {file} is empty")
    address = parts.netloc.rpartition("@")[2]
    return urlunsplit(
        parts._replace(netloc=f"{parts.username or ''}:{quote(password, safe='')}@{address}")
    )


def _set_only(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _set_only(inner) for key, inner in value.items() if inner is not None}
    return [_set_only(inner) for inner in value] if isinstance(value, list) else value


def _refuse_unknown_variables() -> None:
    """Refuse a variable that looks like a setting and is none: pydantic would not see it."""
    sections = list(Settings.model_fields)
    for variable in sorted(os.environ):
        if not variable.startswith(_ENV_PREFIX) or variable == _CONFIG_VARIABLE:
            continue
        section, nested, _ = variable.removeprefix(_ENV_PREFIX).lower().partition(_NESTED)
        close = difflib.get_close_matches(section, sections, n=1)
        if section not in sections and (nested or close):
            hint = f"; did you mean {_ENV_PREFIX}{close[0].upper()}{nested}…?" if close else ""
            raise ConfigurationError(f"{variable}: there is no such setting{hint}")


def _explain(error: ValidationError, model: type[BaseModel], file: Path) -> str:
    lines = []
    for detail in error.errors():
        name = ".".join(str(part) for part in detail["loc"])
        if detail["type"] in {"extra_forbidden", "unexpected_keyword_argument"}:
            close = difflib.get_close_matches(str(detail["loc"][-1]), _all_names(model), n=1)
            hint = f"; did you mean {close[0]!r}?" if close else ""
            lines.append(f"{name}: there is no such setting{hint}")
        else:
            text = detail["msg"].removeprefix("Value error, ")
            got = detail["input"]
            shown = f" (it is {got!r})" if isinstance(got, str | int | float) else ""
            lines.append(f"{name}: {text[0].lower()}{text[1:]}{shown}" if name else text)
    where = f"{file} or {_ENV_PREFIX}… variables"
    return "\n".join([f"wrong settings in {where}:", *(f"  {line}" for line in lines)])


def _all_names(model: type[BaseModel]) -> list[str]:
    schema = model.model_json_schema()
    sections = [schema, *schema.get("$defs", {}).values()]
    return [name for section in sections for name in section.get("properties", {})]
