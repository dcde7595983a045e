"""Airflow's surroundings: its variables, its metadata database and its pools, in one place."""

from __future__ import annotations

import argparse
import base64
import hashlib
import hmac
import json
import logging
import os
import secrets
import socket
import subprocess
import sys
import urllib.request
from importlib import metadata
from pathlib import Path

import psycopg

from planmark import database
from planmark.database import Role
from planmark.errors import DatabaseError, SettingsError
from planmark.settings import ROOT, Settings, inherited_environment, load_settings

log = logging.getLogger(__name__)

#: A provider is asked one question at a time, whatever runs beside it.
POOLS = {
    "nomis": {"slots": 1, "description": "Requests to NOMIS: one at a time"},
    "ons_local": {"slots": 1, "description": "ONS Explore local statistics: one table at a time"},
    "plan": {"slots": 1, "description": "The plan registry: one file at a time"},
}
USER = "admin"
#: What Airflow's own health page calls its parts.
HEALTH_NAMES = ("metadatabase", "scheduler", "triggerer", "dag_processor")


def home_of(settings: Settings) -> Path:
    """Return AIRFLOW_HOME."""
    return settings.home / "airflow"


def password_file(settings: Settings) -> Path:
    """Return the file with the generated password of the UI; only its owner can read it."""
    return home_of(settings) / "ui-password.json"


def command(*arguments: str) -> list[str]:
    """Return an Airflow command. Its script is not used: a space in its path breaks it."""
    return [sys.executable, "-m", "airflow", *arguments]


def airflow_environment(settings: Settings, port: int = 0) -> dict[str, str]:
    """Return the whole environment for every process of Airflow. It holds secrets: pass it on, never show it.

    What the person's own environment says of another Airflow is left out. `port` is that of the API server.
    """
    home = home_of(settings)
    logs = settings.home / "logs" / "airflow"
    inherited = inherited_environment("AIRFLOW", "_AIRFLOW", "DBT_", "PG")
    loopback = ",".join(
        filter(None, (inherited.get("NO_PROXY") or inherited.get("no_proxy"), "127.0.0.1,localhost"))
    )
    environment = (
        inherited
        | planmark_environment(settings)
        | {
            "NO_PROXY": loopback,
            "no_proxy": loopback,
            "SCARF_ANALYTICS": "false",
            "AIRFLOW_HOME": str(home),
            "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
            "AIRFLOW__CORE__EXECUTOR": settings.airflow_executor,
            "AIRFLOW__CORE__PARALLELISM": "4",
            "AIRFLOW__CORE__FERNET_KEY": base64.urlsafe_b64encode(_derived(settings, "fernet")).decode(),
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"{USER}:admin",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(password_file(settings)),
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": metadata_url(settings),
            "AIRFLOW__API__SECRET_KEY": _derived(settings, "api").hex(),
            "AIRFLOW__API__WORKERS": "1",
            "AIRFLOW__API__HOST": "127.0.0.1",
            "AIRFLOW__API_AUTH__JWT_SECRET": _secret(settings),
            "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(logs),
            "AIRFLOW__LOGGING__DAG_PROCESSOR_CHILD_PROCESS_LOG_DIRECTORY": str(logs / "dag_processor"),
        }
    )
    if settings.airflow_broker_url is not None:
        environment["AIRFLOW__CELERY__BROKER_URL"] = settings.airflow_broker_url.get_secret_value()
        environment["AIRFLOW__CELERY__RESULT_BACKEND"] = metadata_url(
            settings, driver="db+postgresql+psycopg2"
        )
    address = settings.airflow_api_url.rstrip("/") or (f"http://127.0.0.1:{port}" if port else "")
    if address:
        environment["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"] = f"{address}/execution/"
        environment["AIRFLOW__API__BASE_URL"] = f"http://127.0.0.1:{port}" if port else address
    if port:
        environment["AIRFLOW__API__PORT"] = str(port)
    return environment


def planmark_environment(settings: Settings) -> dict[str, str]:
    """Return the settings that a command has changed, as variables for the processes it starts.

    Passwords are not among them: those are inherited, or read from `<home>/secrets.env`.
    """
    return {
        "PLANMARK_HOME": str(settings.home),
        "PLANMARK_MODE": settings.mode,
        "PLANMARK_NOMIS_URL": settings.nomis_url,
        "PLANMARK_ONS_LOCAL_SOURCE": settings.ons_local_source,
        "PLANMARK_DATASETS": settings.datasets,
        "PLANMARK_PLANS": str(settings.plans),
        "PLANMARK_PLAN_TEXTS": str(settings.plan_texts or ""),
        "PLANMARK_DATABASE_NAME": settings.database_name,
        "PYTHONPATH": str(ROOT),
        "PYTHONUNBUFFERED": "1",
        "GX_ANALYTICS_ENABLED": "false",
    }


def metadata_url(settings: Settings, *, driver: str = "postgresql+psycopg2") -> str:
    """Return the address of Airflow's own database, password included."""
    return database.url(settings, Role.AIRFLOW, driver=driver, database=settings.airflow_database_name)


def _secret(settings: Settings) -> str:
    if settings.airflow_jwt_secret is None:
        raise SettingsError(
            "no secret for Airflow", expected="PLANMARK_AIRFLOW_JWT_SECRET", next_step="set it"
        )
    return settings.airflow_jwt_secret.get_secret_value()


def _derived(settings: Settings, purpose: str) -> bytes:
    """Return 32 bytes that all of Airflow's parts can work out from the one secret they share."""
    return hmac.new(
        _secret(settings).encode(), f"planmark airflow {purpose}".encode(), hashlib.sha256
    ).digest()


def make_ready(settings: Settings) -> bool:
    """Bring Airflow's database, pools and password up to date; return False if they were.

    Migrating takes seconds even when there is nothing to do, so a stamp says what it was last done for.
    Raises: DatabaseError if Airflow cannot migrate.
    """
    home_of(settings).mkdir(parents=True, exist_ok=True)
    _make_password(settings)
    stamp = home_of(settings) / "ready.json"
    wanted = _stamp(settings)
    if stamp.exists() and wanted["schema"] and json.loads(stamp.read_text(encoding="utf-8")) == wanted:
        return False
    environment = airflow_environment(settings)
    _run(settings, environment, "db", "migrate")
    pools = home_of(settings) / "pools.json"
    pools.write_text(json.dumps({name: {**pool, "include_deferred": False} for name, pool in POOLS.items()}))
    _run(settings, environment, "pools", "import", str(pools))
    stamp.write_text(json.dumps(_stamp(settings)), encoding="utf-8")
    return True


def _stamp(settings: Settings) -> dict[str, object]:
    return {
        "airflow": metadata.version("apache-airflow"),
        "schema": _schema(settings),
        "pools": sorted(POOLS),
    }


def _schema(settings: Settings) -> str:
    """Return the version of the schema in Airflow's database, or nothing if there is none."""
    with database.connect(settings, Role.AIRFLOW, database=settings.airflow_database_name) as connection:
        try:
            row = connection.execute("select version_num from alembic_version").fetchone()
        except psycopg.errors.UndefinedTable:
            return ""
    return str(row[0]) if row else ""


def _make_password(settings: Settings) -> None:
    path = password_file(settings)
    if path.exists():
        return
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(json.dumps({USER: secrets.token_urlsafe(15)}) + "\n")


def _run(settings: Settings, environment: dict[str, str], *arguments: str) -> None:
    path = settings.home / "logs" / "airflow-setup.log"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as output:
        done = subprocess.run(
            command(*arguments), stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
            env=environment, cwd=settings.home, check=False,
        )  # fmt: skip
    if done.returncode != 0:
        raise DatabaseError(
            f"`airflow {' '.join(arguments[:2])}` ended with status {done.returncode}",
            where=settings.airflow_database_name,
            next_step=f"read {path}",
        )


def main() -> int:
    """Do one thing for a container or a service manager.

    `python -m planmark.cli.airflow_home ready`: databases, roles, schemas and Airflow's own database.
    `… exec ARGUMENTS`: become an Airflow command, for example `exec scheduler`.
    `… healthy PART`: exit with 0 if that part of Airflow is well.
    """
    parser = argparse.ArgumentParser(prog="python -m planmark.cli.airflow_home")
    parser.add_argument("do", choices=("ready", "exec", "healthy"))
    parser.add_argument("arguments", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    settings = load_settings()
    if options.do == "ready":
        database.set_up(settings)
        make_ready(settings)
    elif options.do == "healthy":
        return 0 if is_healthy(settings, *options.arguments) else 1
    else:
        become = command(*options.arguments)
        os.execve(become[0], become, airflow_environment(settings, settings.airflow_port))  # noqa: S606
    return 0


def is_healthy(settings: Settings, part: str) -> bool:
    """Tell whether one part of Airflow is well: a worker itself, the others by the API server."""
    if part == "worker":
        application = "airflow.providers.celery.executors.celery_executor.app"
        name = f"celery@{socket.gethostname()}"
        asked = [sys.executable, "-m", "celery", "--app", application, "inspect", "ping", "-d", name]
        environment = airflow_environment(settings)
        return subprocess.run(asked, env=environment, capture_output=True, check=False).returncode == 0
    address = settings.airflow_api_url or f"http://127.0.0.1:{settings.airflow_port}"
    return health(address).get(part) == "healthy"


def health(address: str) -> dict[str, str]:
    """Return the state of each part as Airflow's own health page tells it; nothing if it does not answer."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"{address.rstrip('/')}/api/v2/monitor/health", timeout=5) as answer:
            told = json.load(answer)
    except (OSError, ValueError):
        return {}
    return {name: str((told.get(name) or {}).get("status")) for name in HEALTH_NAMES}


if __name__ == "__main__":
    sys.exit(main())
