"""docker-compose.yml, read as a file: what Docker would be told. No Docker runs here."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from planmark.settings import GENERATED_SECRETS, ROOT, Settings

OURS = {
    "planmark-init", "airflow-api-server", "airflow-scheduler", "airflow-dag-processor", "airflow-triggerer",
    "airflow-worker", "replica",
}  # fmt: skip
OTHERS = {"postgres", "redis"}


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def text() -> str:
    lines = (ROOT / "docker-compose.yml").read_text(encoding="utf-8").splitlines()
    return "\n".join(line for line in lines if not line.lstrip().startswith("#"))


def test_it_has_every_part_of_airflow_and_what_they_stand_on(compose):
    assert set(compose["services"]) == OURS | OTHERS


def test_no_secret_has_a_default(text):
    """`${NAME:?message}` refuses to start without a value; `${NAME:-value}` and `${NAME}` do not."""
    secret = re.compile(r"PASSWORD|SECRET|_UID|BROKER")
    for name, rest in re.findall(r"(?<!\$)\$\{([A-Z_]+)([^}]*)\}", text):
        if secret.search(name):
            assert rest.startswith(":?"), f"{name} may be left out"
    for line in text.splitlines():
        name, colon, value = line.strip().partition(": ")
        if colon and name.isupper() and secret.search(name):
            assert "${" in value, f"{name} is written down"


def test_every_generated_secret_is_asked_for(compose):
    environment = compose["services"]["airflow-worker"]["environment"]
    assert set(environment) >= set(GENERATED_SECRETS)


def test_ports_are_open_on_loopback_only(compose):
    ports = [port for service in compose["services"].values() for port in service.get("ports", [])]
    assert ports
    for port in ports:
        assert re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port), port


def test_every_server_has_a_health_check(compose):
    servers = {name for name in compose["services"] if name != "planmark-init"}
    assert servers == {
        name for name, service in compose["services"].items() if "test" in service.get("healthcheck", {})
    }


def test_every_variable_of_ours_is_a_setting(compose, text):
    known = {f"PLANMARK_{name.upper()}" for name in Settings.model_fields}
    assert set(re.findall(r"\bPLANMARK_[A-Z_]+", text)) <= known
    assert not re.findall(r"\bAIRFLOW__[A-Z_]+", text), (
        "Airflow's variables are made in planmark/cli/airflow_home.py"
    )


def test_every_variable_that_must_be_filled_in_stands_in_the_example(text):
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    for name in re.findall(r"(?<!\$)\$\{([A-Z_]+)", text):
        assert re.search(rf"^{name}=", example, re.MULTILINE), name


def test_our_parts_run_one_image_that_is_built_here_and_wait_for_the_set_up(compose):
    for name in OURS:
        service = compose["services"][name]
        assert service["image"] == compose["services"]["planmark-init"]["image"]
        assert service["build"] == "."
        if name.startswith("airflow-"):
            assert service["depends_on"]["planmark-init"] == {"condition": "service_completed_successfully"}


def test_celery_is_used_through_redis_with_its_password(compose):
    environment = compose["services"]["airflow-scheduler"]["environment"]
    assert environment["PLANMARK_AIRFLOW_EXECUTOR"] == "CeleryExecutor"
    assert environment["PLANMARK_AIRFLOW_BROKER_URL"].startswith("redis://:${REDIS_PASSWORD:?")
    assert "requirepass" in " ".join(compose["services"]["redis"]["command"])


def test_the_image_installs_the_hashed_lock_and_does_not_run_as_root():
    lines = (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines()
    assert lines[1] == "FROM python:3.11-slim"
    assert any(
        "pip install --require-hashes --requirement requirements/runtime.lock" in line for line in lines
    )
    users = [line for line in lines if line.startswith("USER")]
    assert users == ["USER planmark"]
