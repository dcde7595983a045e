"""Asking over HTTP: patience, deadlines, whole answers, and a key that is never told. Loopback only."""

from __future__ import annotations

import datetime as dt
import logging
import ssl
import traceback
from collections.abc import Iterator
from email.utils import format_datetime
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import nomis_stub as stub
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from pydantic import SecretStr

from ingest.http import Answer, Call, Client, redact
from planmark.errors import FetchError

KEY = "0x5ecre7/key+1"


@pytest.fixture()
def service() -> Iterator[tuple[stub.Service, str]]:
    with stub.serving() as running:
        yield running


class Asker:
    """A client whose waits are noted instead of waited."""

    def __init__(self, home: Path, base: str, **changes: Any) -> None:
        self.waits: list[float] = []
        settings = stub.settings_for(home, base, **{"retry_attempts": 4, **changes})
        self.client = Client(settings, "nomis", keys={"uid": SecretStr(KEY)}, sleep=self.waits.append)
        self.url = f"{base}/dataset/NM_999_1.data.csv"

    def ask(self, *parameters: tuple[str, str]) -> bytes:
        return self.client.ask(Call(self.url, parameters), Answer.read, where="nomis_stub")


RIGHT = stub.csv(stub.table())


def test_an_answer_comes_whole_with_its_particulars(service: Any, tmp_path: Path) -> None:
    asker = Asker(tmp_path, service[1])
    seen: list[Answer] = []

    def take(answer: Answer) -> bytes:
        seen.append(answer)
        return answer.read()

    assert asker.client.ask(Call(asker.url, (("date", "2024-01"),)), take, where="x") == RIGHT
    assert seen[0].status == 200 and seen[0].content_type == "text/csv" and seen[0].method == "GET"
    assert seen[0].url == f"{asker.url}?date=2024-01"
    assert service[0].data_requests[0]["uid"] == KEY  # sent, but told nowhere


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_fault_that_may_pass_is_tried_again_after_growing_waits(
    service: Any, tmp_path: Path, status: int
) -> None:
    service[0].script.extend([stub.status(status)] * 3)
    asker = Asker(tmp_path, service[1])
    assert asker.ask() == RIGHT
    assert asker.waits == [2, 4, 8]


def test_patience_ends_and_the_error_says_what_the_service_said(service: Any, tmp_path: Path) -> None:
    service[0].always = stub.status(500, b"Error: Unable to contact data engine")
    asker = Asker(tmp_path, service[1])
    with pytest.raises(FetchError) as caught:
        asker.ask(("date", "2024-01"))
    assert len(service[0].requests) == 4
    text = str(caught.value)
    assert "nomis_stub" in text and "in 4 attempts" in text and "date=2024-01" in text
    assert "status 500 Internal Server Error: Error: Unable to contact data engine" in text


@pytest.mark.parametrize("status", [400, 401, 403, 404, 204])
def test_a_fault_that_will_not_pass_is_not_tried_again(service: Any, tmp_path: Path, status: int) -> None:
    service[0].always = stub.status(status)
    asker = Asker(tmp_path, service[1])
    with pytest.raises(FetchError, match=f"status {status}"):
        asker.ask()
    assert len(service[0].requests) == 1 and asker.waits == []


def test_retry_after_in_seconds_is_honoured_and_capped(service: Any, tmp_path: Path) -> None:
    service[0].script.extend([stub.status(429, Retry_After="30"), stub.status(429, Retry_After="9999")])
    asker = Asker(tmp_path, service[1], retry_longest_wait_seconds=50)
    asker.ask()
    assert asker.waits == [30, 50]


def test_retry_after_as_a_date_is_honoured(service: Any, tmp_path: Path) -> None:
    at = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=40)
    service[0].script.append(stub.status(503, Retry_After=format_datetime(at, usegmt=True)))
    asker = Asker(tmp_path, service[1])
    asker.ask()
    assert 35 < asker.waits[0] <= 40


def test_a_retry_after_that_means_nothing_is_passed_over(service: Any, tmp_path: Path) -> None:
    service[0].script.append(stub.status(429, Retry_After="soon"))
    asker = Asker(tmp_path, service[1])
    asker.ask()
    assert asker.waits == [2]


@pytest.mark.parametrize("broken", [stub.reset_in_the_middle, stub.wrong_length, stub.truncated_gzip])
def test_half_an_answer_is_never_taken_for_a_whole_one(service: Any, tmp_path: Path, broken: Any) -> None:
    service[0].script.append(broken)
    asker = Asker(tmp_path, service[1])
    assert asker.ask() == RIGHT
    assert asker.waits == [2]
    service[0].always = broken
    with pytest.raises(FetchError, match="the connection failed"):
        asker.ask()


def test_a_packed_answer_is_unpacked(service: Any, tmp_path: Path) -> None:
    service[0].script.append(stub.good_gzip)
    assert Asker(tmp_path, service[1]).ask() == RIGHT


def test_a_silent_server_is_given_up(service: Any, tmp_path: Path) -> None:
    service[0].script.append(stub.silence(0.6))
    asker = Asker(tmp_path, service[1], read_timeout_seconds=0.2)
    assert asker.ask() == RIGHT
    assert asker.waits == [2]


def test_a_server_that_drips_does_not_outlast_the_deadline(service: Any, tmp_path: Path) -> None:
    service[0].always = stub.drip(0.02)  # 1,100 bytes: 22 s, and each byte comes in time
    asker = Asker(tmp_path, service[1], dataset_deadline_seconds=0.4)
    with pytest.raises(FetchError, match=r"not finished within 0\.4 seconds[\s\S]*DEADLINE_SECONDS"):
        asker.ask()


def test_no_wait_goes_beyond_the_deadline(service: Any, tmp_path: Path) -> None:
    service[0].always = stub.status(503)
    asker = Asker(tmp_path, service[1], dataset_deadline_seconds=5)
    with pytest.raises(FetchError, match="no time is left to try again"):
        asker.ask()
    assert asker.waits == [2, 4]  # the clock does not run in this test: 8 would be beyond 5


def test_no_connection_is_tried_again_and_told(tmp_path: Path) -> None:
    with stub.serving() as (_, base):
        pass  # nobody listens there any more
    asker = Asker(tmp_path, base)
    with pytest.raises(FetchError, match="in 4 attempts"):
        asker.ask()
    assert asker.waits == [2, 4, 8]


def test_an_endless_redirect_is_an_error_at_once(service: Any, tmp_path: Path) -> None:
    service[0].always = stub.endless_redirect
    asker = Asker(tmp_path, service[1])
    with pytest.raises(FetchError, match="more than 5 redirects"):
        asker.ask()
    assert len(service[0].requests) == 6 and asker.waits == []


def test_a_redirect_is_followed(service: Any, tmp_path: Path) -> None:
    service[0].script.append(stub.endless_redirect)
    assert Asker(tmp_path, service[1]).ask() == RIGHT


def test_a_long_query_goes_as_a_form(service: Any, tmp_path: Path) -> None:
    long = ",".join(f"E01{n:06d}" for n in range(300))
    asker = Asker(tmp_path, service[1])
    seen: list[Answer] = []
    asker.client.ask(
        Call(asker.url, (("geography", long),)),
        lambda answer: (seen.append(answer), answer.read()),
        where="x",
    )
    method, _, parameters = service[0].requests[0]
    assert method == "POST" and parameters == {"geography": long, "uid": KEY}
    assert seen[0].method == "POST" and seen[0].form == f"geography={long}" and seen[0].url == asker.url


def test_a_form_is_never_redirected(service: Any, tmp_path: Path) -> None:
    service[0].always = stub.endless_redirect
    with pytest.raises(FetchError, match="redirected to"):
        Asker(tmp_path, service[1]).ask(("geography", "x" * 3000))
    assert len(service[0].requests) == 1


def self_signed(folder: Path) -> tuple[Path, ssl.SSLContext]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    chain, private = folder / "certificate.pem", folder / "key.pem"
    chain.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, private)
    return chain, context


def test_a_certificate_nobody_vouches_for_is_an_error_at_once(tmp_path: Path) -> None:
    chain, context = self_signed(tmp_path)
    with stub.serving(context=context) as (service, base):
        asker = Asker(tmp_path, base)
        with pytest.raises(FetchError, match=r"certificate error[\s\S]*PLANMARK_CA_BUNDLE"):
            asker.ask()
        assert service.requests == [] and asker.waits == []
        assert Asker(tmp_path, base, ca_bundle=str(chain)).ask() == RIGHT


def test_a_certificate_bundle_that_is_not_there_is_named(tmp_path: Path) -> None:
    _, context = self_signed(tmp_path)
    with stub.serving(context=context) as (_, base), pytest.raises(FetchError, match="PLANMARK_CA_BUNDLE"):
        Asker(tmp_path, base, ca_bundle=str(tmp_path / "nowhere.pem")).ask()


@pytest.fixture()
def no_proxy_set(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    return monkeypatch


def test_the_proxy_variables_are_honoured(
    service: Any, tmp_path: Path, no_proxy_set: pytest.MonkeyPatch
) -> None:
    no_proxy_set.setenv("HTTP_PROXY", service[1].removesuffix("/api/v01"))
    asker = Asker(tmp_path, "http://nomis.example/api/v01")
    assert asker.ask() == RIGHT  # the stub plays the proxy: it is asked for the whole address
    no_proxy_set.setenv("NO_PROXY", "nomis.example")
    with pytest.raises(FetchError):
        asker.ask()  # asked directly, and there is no such host


def test_this_machine_is_never_asked_through_a_proxy(
    service: Any, tmp_path: Path, no_proxy_set: pytest.MonkeyPatch
) -> None:
    no_proxy_set.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    assert Asker(tmp_path, service[1]).ask() == RIGHT


def test_a_proxy_that_fails_is_named_without_its_password(
    tmp_path: Path, no_proxy_set: pytest.MonkeyPatch
) -> None:
    no_proxy_set.setenv("HTTP_PROXY", "http://clerk:pa55word@127.0.0.1:9")
    with pytest.raises(FetchError, match=r"the proxy did not let it through[\s\S]*HTTP_PROXY") as caught:
        Asker(tmp_path, "http://nomis.example/api/v01").ask()
    assert "pa55word" not in str(caught.value)


def test_one_request_at_a_time_per_provider(service: Any, tmp_path: Path) -> None:
    first, second = Asker(tmp_path, service[1]), Asker(tmp_path, service[1], dataset_deadline_seconds=0.5)

    def take(answer: Answer) -> bytes:
        with pytest.raises(FetchError, match="waiting for another task that asks nomis"):
            second.ask()
        return answer.read()

    assert first.client.ask(Call(first.url), take, where="x") == RIGHT
    assert len(service[0].requests) == 1  # the second never came through
    third = Asker(tmp_path, service[1])
    assert third.ask() == RIGHT  # and the lock is free again


# --- the key ----------------------------------------------------------------------------------------------


def echo(handler: stub.Handler, _: bytes) -> None:
    """An unkind service: repeats the whole request in its error."""
    handler.send(f"Error: cannot answer {handler.path}".encode(), "text/plain", 400)


def redirect_to_http(handler: stub.Handler, _: bytes) -> None:
    handler.send(b"", status=302, Location=f"http://127.0.0.1:1{handler.path}")


@pytest.mark.parametrize(
    "wrong",
    [
        stub.status(500), stub.status(404), echo, stub.reset_in_the_middle, stub.wrong_length,
        stub.truncated_gzip, stub.silence(0.5), stub.endless_redirect, redirect_to_http,
    ],
)  # fmt: skip
@pytest.mark.parametrize("long", [False, True], ids=["GET", "POST"])
def test_the_key_is_in_no_error_and_no_log(
    service: Any, tmp_path: Path, wrong: Any, long: bool, caplog: pytest.LogCaptureFixture
) -> None:
    service[0].always = wrong
    asker = Asker(tmp_path, service[1], read_timeout_seconds=0.1, retry_attempts=2)
    parameters = ("geography", "x" * (3000 if long else 10))
    with caplog.at_level(logging.DEBUG), pytest.raises(FetchError) as caught:
        asker.ask(parameters)
    told = "".join(traceback.format_exception(caught.value)) + caplog.text + repr(caught.value.args)
    assert caught.value.__cause__ is None and caught.value.__context__ is None
    assert service[0].requests[0][2]["uid"] == KEY
    for form in (KEY, "0x5ecre7%2Fkey%2B1", "5ecre7"):
        assert form not in told
    assert "uid" not in str(caught.value) or "uid=***" in told


def test_the_key_is_not_told_when_nobody_listens(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with stub.serving() as (_, base):
        pass
    with caplog.at_level(logging.DEBUG), pytest.raises(FetchError) as caught:
        Asker(tmp_path, base).ask(("date", "2024"))
    assert "5ecre7" not in "".join(traceback.format_exception(caught.value)) + caplog.text


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("GET /data.csv?date=1&uid=0xABC&x=2", "GET /data.csv?date=1&uid=***&x=2"),
        ("UID=0xABC", "UID=***"),
        ("signature=deadbeef failed", "signature=*** failed"),
        ("http://user:word@proxy:8080/", "http://***@proxy:8080/"),
        ("s3cr3t/1, s3cr3t%2F1 encoded, S3CR3T/1 in capitals", "***, *** encoded, *** in capitals"),
        ("nothing to hide", "nothing to hide"),
    ],
)  # fmt: skip
def test_redact(text: str, clean: str) -> None:
    assert redact(text, ["s3cr3t/1", ""]) == clean
