"""Settings: every variable is listed, faults come all at once, secrets stay secret."""

import re
import stat

import pytest

from planmark.errors import SettingsError
from planmark.settings import GENERATED_SECRETS, ROOT, Settings, ensure_secrets, load_settings


def test_the_example_file_lists_exactly_the_settings_that_exist():
    text = (ROOT / ".env.example").read_text(encoding="utf-8")
    listed = re.findall(r"^(PLANMARK_\w+)=", text, re.MULTILINE)
    assert sorted(listed) == sorted(f"PLANMARK_{name.upper()}" for name in Settings.model_fields)


def test_an_empty_variable_means_the_default_as_the_example_file_says(monkeypatch, tmp_path):
    ensure_secrets(tmp_path)
    expected = load_settings(home=tmp_path)
    for name in Settings.model_fields:
        monkeypatch.setenv(f"PLANMARK_{name.upper()}", "")
    assert load_settings(home=tmp_path) == expected


def test_every_fault_is_reported_at_once_and_values_are_not_repeated(monkeypatch, tmp_path):
    monkeypatch.setenv("PLANMARK_HOME", str(tmp_path))
    monkeypatch.setenv("PLANMARK_MODE", "demo-secret-looking")
    monkeypatch.setenv("PLANMARK_NOMIS_PAGE_SIZE", "0")
    monkeypatch.setenv("PLANMARK_NOMIS_UDI", "0xsecret")
    with pytest.raises(SettingsError) as caught:
        load_settings()
    message = str(caught.value)
    assert "PLANMARK_MODE" in message
    assert "PLANMARK_NOMIS_PAGE_SIZE" in message
    assert "PLANMARK_NOMIS_UDI: is not a setting" in message
    assert "secret" not in message.replace("demo-secret-looking", "") or "0xsecret" not in message
    assert "demo-secret-looking" not in message


def test_generated_secrets_are_private_differ_and_stay(tmp_path):
    ensure_secrets(tmp_path)
    path = tmp_path / "secrets.env"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    first = path.read_text(encoding="utf-8")
    values = [line.split("=", 1)[1] for line in first.splitlines() if "=" in line]
    assert len(set(values)) == len(GENERATED_SECRETS)
    ensure_secrets(tmp_path)
    assert path.read_text(encoding="utf-8") == first


def test_a_secret_does_not_show_when_settings_are_printed(tmp_path):
    settings = load_settings(home=tmp_path, nomis_uid="0xabcdef")
    assert "0xabcdef" not in repr(settings)
    assert "0xabcdef" not in str(settings)


def test_the_environment_wins_over_the_generated_file(monkeypatch, tmp_path):
    ensure_secrets(tmp_path)
    monkeypatch.setenv("PLANMARK_READER_PASSWORD", "mine")
    settings = load_settings(home=tmp_path)
    assert settings.reader_password is not None
    assert settings.reader_password.get_secret_value() == "mine"


def test_only_settings_reads_the_environment():
    """One place to read, one place to test.

    `embedded.py` passes the environment on, cleaned; the gate's runner hands Great Expectations its password through it.
    """
    readers = {
        str(path.relative_to(ROOT))
        for folder in ("planmark", "ingest", "expectations", "dags")
        for path in (ROOT / folder).rglob("*.py")
        if re.search(r"os\.environ|os\.getenv", path.read_text(encoding="utf-8"))
    }
    assert readers == {"planmark/settings.py", "planmark/embedded.py", "expectations/runner.py"}
