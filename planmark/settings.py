"""Settings: the only place that reads the environment.

Every variable is listed with its meaning in `.env.example`. Secrets have no default: for the embedded
database they are generated once into `<home>/secrets.env`, which only its owner can read.
"""

from __future__ import annotations

import os
import secrets as random_secrets
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from planmark.errors import SettingsError

ROOT = Path(__file__).resolve().parent.parent

GENERATED_SECRETS = (
    "PLANMARK_ADMIN_PASSWORD",
    "PLANMARK_LOADER_PASSWORD",
    "PLANMARK_TRANSFORMER_PASSWORD",
    "PLANMARK_GATE_PASSWORD",
    "PLANMARK_PUBLISHER_PASSWORD",
    "PLANMARK_READER_PASSWORD",
    "PLANMARK_AIRFLOW_PASSWORD",
    "PLANMARK_AIRFLOW_JWT_SECRET",
)


class Settings(BaseSettings):
    """Everything that can be set, typed and checked at start. Frozen: pass it on, do not change it."""

    model_config = SettingsConfigDict(
        env_prefix="PLANMARK_", env_ignore_empty=True, frozen=True, extra="forbid"
    )

    # Where things live
    home: Path = Field(default=ROOT / ".planmark", description="run-time folder of this installation")
    archive_url: str = Field(default="", description="where raw answers are kept: a folder or s3:// address")
    plans: Path = Field(default=ROOT / "dbt_project" / "seeds" / "plans", description="folder of plan files")
    plan_texts: Path | None = Field(
        default=None, description="folder of the plans' texts, to check quotes with"
    )

    # What is refreshed
    mode: Literal["demonstration", "live"] = "demonstration"
    datasets: str = Field(default="", description="comma-separated dataset ids; empty means all that are due")
    as_of: date | None = Field(default=None, description="assess as of this day instead of today")

    # The warehouse. Empty host: the embedded PostgreSQL under `home`
    database_host: str = ""
    database_port: int = Field(default=5432, ge=1, le=65535)
    database_name: str = "planmark"
    airflow_database_name: str = "airflow"
    admin_user: str = "planmark_admin"
    admin_password: SecretStr | None = None
    loader_password: SecretStr | None = None
    transformer_password: SecretStr | None = None
    gate_password: SecretStr | None = None
    publisher_password: SecretStr | None = None
    reader_password: SecretStr | None = None
    airflow_password: SecretStr | None = None
    airflow_jwt_secret: SecretStr | None = None
    postgres_os_user: str = Field(
        default="nobody", description="who runs the embedded server when we are root"
    )

    # NOMIS
    nomis_url: str = "https://www.nomisweb.co.uk/api/v01"
    nomis_uid: SecretStr | None = None
    nomis_page_size: int = Field(default=25_000, ge=1, le=1_000_000, description="rows a page for a guest")
    nomis_keyed_page_size: int = Field(default=100_000, ge=1, le=1_000_000, description="with nomis_uid set")
    # ONS Explore local statistics: an address or a folder; empty skips those datasets, saying so
    ons_local_source: str = ""

    # How patient we are with a provider
    connect_timeout_seconds: float = Field(default=10, gt=0)
    read_timeout_seconds: float = Field(default=120, gt=0)
    retry_attempts: int = Field(default=6, ge=1, le=20)
    retry_first_wait_seconds: float = Field(default=2, ge=0)
    retry_longest_wait_seconds: float = Field(default=120, ge=0)
    dataset_deadline_seconds: float = Field(default=3600, gt=0)
    ca_bundle: str = Field(default="", description="certificate bundle for providers; empty: the system's")

    # Airflow
    airflow_port: int = Field(
        default=0, ge=0, le=65535, description="0: 8080, or a free port if that is taken"
    )
    airflow_executor: Literal["LocalExecutor", "CeleryExecutor"] = "LocalExecutor"
    airflow_broker_url: SecretStr | None = Field(default=None, description="Redis, for CeleryExecutor")
    airflow_api_url: str = Field(
        default="", description="where workers reach the API server; empty: loopback"
    )

    @property
    def embedded(self) -> bool:
        """True when the database is the embedded one."""
        return not self.database_host

    @property
    def archive(self) -> str:
        """Address of the archive for fsspec."""
        return self.archive_url or (self.home / "archive").as_uri()

    @property
    def only_datasets(self) -> tuple[str, ...]:
        """Dataset ids the run is limited to; empty means all."""
        return tuple(part.strip() for part in self.datasets.split(",") if part.strip())

    @property
    def today(self) -> date:
        """The day on which targets are assessed."""
        return self.as_of or datetime.now(UTC).date()


def load_settings(**overrides: object) -> Settings:
    """Read the environment and the generated secrets into one `Settings`.

    Raises: SettingsError naming every variable that is wrong, all at once; values are not repeated, since they
    may be secret.
    """
    known = {f"PLANMARK_{name.upper()}" for name in Settings.model_fields}
    unknown = sorted(name for name in os.environ if name.startswith("PLANMARK_") and name not in known)
    home = Path(str(overrides.get("home") or os.environ.get("PLANMARK_HOME") or ROOT / ".planmark")).resolve()
    values: dict[str, object] = {"home": home}
    for name in ("plans", "plan_texts"):  # a task may run in another folder than the command that started it
        given = os.environ.get(f"PLANMARK_{name.upper()}")
        if given:
            values[name] = Path(given).expanduser().resolve()
    for name, value in _read_secrets(home / "secrets.env").items():
        if not os.environ.get(name):
            values[name.removeprefix("PLANMARK_").lower()] = value
    values.update(overrides)
    values["home"] = home
    faults = [f"{name}: is not a setting" for name in unknown]
    try:
        settings = Settings(**values)  # type: ignore[arg-type]
    except ValidationError as error:
        faults += [
            f"PLANMARK_{str(e['loc'][0]).upper()}: {e['msg']}" for e in error.errors(include_input=False)
        ]
    if faults:
        raise SettingsError(
            "settings are wrong:\n    " + "\n    ".join(faults), next_step="compare with .env.example"
        )
    return settings


def inherited_environment(*without: str) -> dict[str, str]:
    """Return the environment for a program that we start, less the variables with one of these prefixes."""
    return {name: value for name, value in os.environ.items() if not name.startswith(without)}


def _read_secrets(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    lines = path.read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def ensure_secrets(home: Path) -> None:
    """Generate the passwords that `home` does not have yet, into a file that only its owner can read."""
    home.mkdir(parents=True, exist_ok=True, mode=0o755)
    path = home / "secrets.env"
    have = _read_secrets(path)
    missing = [name for name in GENERATED_SECRETS if name not in have]
    if not missing:
        return
    have.update({name: random_secrets.token_urlsafe(24) for name in missing})
    text = "# Generated by planmark. Keep it private.\n" + "".join(f"{k}={v}\n" for k, v in have.items())
    new = path.with_suffix(".new")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    new.replace(path)
