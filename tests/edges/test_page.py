"""One page of the public web over real TLS on loopback: only https, only public and pinned addresses, in time."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.edges.git.remote import is_public
from bot.edges.page import LARGEST, FetchedPage, Hosts, fetch_page
from bot.emulators.certificate import self_signed
from bot.errors import Code, Refused, Unavailable

HOST = "docs.example.org"
URL = f"https://{HOST}/guide"
Serve = Callable[[BaseHTTPRequestHandler], None]


INSIDE = Hosts(resolve=lambda _: (), is_public=is_public)


def nobody(_host: str) -> tuple[str, ...]:
    raise AssertionError("nothing may be resolved")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Certificate and key of the host, signed by itself."""
    return self_signed(tmp_path_factory.mktemp("tls"), names=(HOST,)).chain


@dataclass
class Site:
    """A host on loopback under the name ``docs.example.org``. ``asked`` are the paths and Host headers it saw."""

    hosts: Hosts
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    resolved: list[str] = field(default_factory=list)


@contextmanager
def site(certificate: Path, serve: Serve, *, trusted: bool = True) -> Iterator[Site]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_args: object) -> None:
            """Silent."""

        def do_GET(self) -> None:
            made.asked.append((self.path, self.headers.get("Host")))
            serve(self)

    class Quiet(ThreadingHTTPServer):
        def handle_error(self, *_args: object) -> None:
            """A client that goes is no error."""

    server = Quiet(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True)

    def resolve(host: str) -> tuple[str, ...]:
        made.resolved.append(host)
        return ("127.0.0.1",)

    tls = ssl.create_default_context(cafile=str(certificate) if trusted else None)
    made = Site(Hosts(resolve=resolve, is_public=lambda _: True, port=server.server_address[1], tls=tls))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


def answer(body: bytes, *, status: int = 200, **headers: str) -> Serve:
    def serve(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in ({"Content_Type": "text/html; charset=utf-8"} | headers).items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return serve


def test_a_page_is_read_at_the_pinned_address_under_its_own_name(certificate: Path) -> None:
    with site(certificate, answer("<p>zwölf</p>".encode())) as host:
        page = fetch_page(f"{URL}?a=1#part", host.hosts)
    assert page == FetchedPage(url=f"{URL}?a=1#part", media="text/html", text="<p>zwölf</p>")
    assert host.asked == [("/guide?a=1", HOST)]
    assert host.resolved == [HOST]


@pytest.mark.parametrize(
    ("kind", "body", "text"),
    [
        ("text/plain", b"plain", "plain"),
        ("text/markdown; charset=UTF-8", b"# A", "# A"),
        ("text/html; charset=iso-8859-1", b"zw\xf6lf", "zwölf"),
        ("text/plain; charset=rot13", b"plain", "plain"),
        ("text/plain; charset=utf-8", b"\xff\xfe", "\ufffd\ufffd"),
    ],
)
def test_text_of_every_kind(certificate: Path, kind: str, body: bytes, text: str) -> None:
    with site(certificate, answer(body, Content_Type=kind)) as host:
        assert fetch_page(URL, host.hosts).text == text


@pytest.mark.parametrize(
    "url",
    [
        "http://docs.example.org/",
        "ftp://docs.example.org/",
        "file:///etc/passwd",
        "https://user:word@docs.example.org/",
        "https://docs.example.org:8443/",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://localhost/",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://docs.example.org\\@10.0.0.1/",
        "https://docs.example.org/a b",
        "https://docs.example.org/\r\nHost: x",
        "https://docs.exämple.org/",
        "https://docs.example.org/" + "a" * 2_000,
        "https://[/",
        "https:///x",
        "https://docs.example.org:99999/",
        "",
    ],
)
def test_an_address_that_is_none_of_the_public_web_is_refused_before_anything_is_resolved(url: str) -> None:
    with pytest.raises(Refused) as stop:
        fetch_page(url, Hosts(resolve=nobody, is_public=is_public))
    assert stop.value.refusal.code is Code.SYNTAX


@pytest.mark.parametrize(
    "addresses",
    [
        ("127.0.0.1",),
        ("10.0.0.1",),
        ("169.254.169.254",),
        ("::1",),
        ("fd00::1",),
        ("::ffff:10.0.0.1",),
        ("8.8.8.8", "192.168.0.1"),
        ("64:ff9b::a00:1",),
        (),
    ],
)
def test_a_name_that_leads_inside_is_refused(addresses: tuple[str, ...]) -> None:
    with pytest.raises(Refused) as stop:
        fetch_page(URL, Hosts(resolve=lambda _: addresses, is_public=is_public))
    assert stop.value.refusal.code is Code.POLICY
    assert not any(address in f"{stop.value.refusal}" for address in addresses)


def test_a_name_that_does_not_resolve_is_an_outage() -> None:
    def gone(_host: str) -> tuple[str, ...]:
        raise socket.gaierror(socket.EAI_NONAME, "no such name")

    with pytest.raises(Unavailable, match="could not be resolved"):
        fetch_page(URL, Hosts(resolve=gone, is_public=is_public))


def test_a_redirect_on_the_same_host_is_followed_at_the_same_address(certificate: Path) -> None:
    def serve(handler: BaseHTTPRequestHandler) -> None:
        moved = handler.path != "/there"
        (answer(b"", status=301, Location="/there") if moved else answer(b"here"))(handler)

    with site(certificate, serve) as host:
        assert fetch_page(URL, host.hosts).url == f"https://{HOST}/there"
    assert [path for path, _ in host.asked] == ["/guide", "/there"]
    assert host.resolved == [HOST], "a name that changes its mind is not asked again"


@pytest.mark.parametrize(
    "location",
    [
        "https://other.example.org/",
        "//other.example.org/",
        "http://docs.example.org/",
        "https://127.0.0.1/",
        "https://docs.example.org:8443/",
        "file:///etc/passwd",
        "https://docs.example.org@other.example.org/",
        "https://[",
        "/guide",
    ],
)
def test_other_redirects_are_refused(certificate: Path, location: str) -> None:
    with site(certificate, answer(b"", status=302, Location=location)) as host, pytest.raises(Refused) as stop:
        fetch_page(URL, host.hosts)
    assert stop.value.refusal.code is Code.SYNTAX
    assert len(host.asked) == (4 if location == "/guide" else 1)


@pytest.mark.parametrize(
    "serve",
    [
        answer(b"PK\x03\x04", Content_Type="application/zip"),
        answer(b"%PDF", Content_Type="application/pdf"),
        answer(b"x", Content_Type=""),
        answer(b"x", Content_Type="zip"),
        answer(b"\x1f\x8b", Content_Encoding="gzip"),
        answer(b"no", status=404),
        answer(b"no", status=403),
        answer(b"", status=204),
    ],
    ids=["zip", "pdf", "no type", "half a type", "gzip", "404", "403", "204"],
)
def test_what_is_no_text_is_refused(certificate: Path, serve: Serve) -> None:
    with site(certificate, serve) as host, pytest.raises(Refused) as stop:
        fetch_page(URL, host.hosts)
    assert stop.value.refusal.code is Code.SYNTAX


def endless(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Type", "text/plain")
    handler.end_headers()
    for _ in range(400):
        handler.wfile.write(b"x" * 10_000)


def test_a_page_without_end_is_refused(certificate: Path) -> None:
    with site(certificate, endless) as host, pytest.raises(Refused) as stop:
        fetch_page(URL, host.hosts)
    assert stop.value.refusal.code is Code.SIZE


def test_the_largest_page_is_read(certificate: Path) -> None:
    with site(certificate, answer(b"x" * LARGEST)) as host:
        assert len(fetch_page(URL, host.hosts).text) == LARGEST


def drip(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nX: ")
    for _ in range(200):
        handler.wfile.write(b"x")
        handler.wfile.flush()
        time.sleep(0.05)


def hang(handler: BaseHTTPRequestHandler) -> None:
    handler.rfile.read(1)


def hang_up(handler: BaseHTTPRequestHandler) -> None:
    handler.connection.close()


@pytest.mark.parametrize(
    "serve", [drip, hang, hang_up, answer(b"", status=500), answer(b"", status=429)], ids=lambda each: each.__name__
)
def test_an_outage_ends_in_time(certificate: Path, serve: Serve) -> None:
    began = time.monotonic()
    with site(certificate, serve) as host, pytest.raises(Unavailable) as outage:
        fetch_page(URL, host.hosts, seconds=0.8)
    assert time.monotonic() - began < 5
    assert "127.0.0.1" not in f"{outage.value} {outage.value.remedy}"


def test_a_certificate_that_nobody_knows_is_refused(certificate: Path) -> None:
    with site(certificate, answer(b"x"), trusted=False) as host, pytest.raises(Refused) as stop:
        fetch_page(URL, host.hosts)
    assert stop.value.refusal.code is Code.TLS
    assert host.asked == []


def test_a_certificate_of_another_name_is_refused(certificate: Path) -> None:
    with site(certificate, answer(b"x")) as host, pytest.raises(Refused) as stop:
        fetch_page("https://other.example.org/", host.hosts)
    assert stop.value.refusal.code is Code.TLS


def test_a_proxy_of_the_environment_is_not_asked(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    with site(certificate, answer(b"x")) as host:
        assert fetch_page(URL, host.hosts).text == "x"


@given(st.text(max_size=80))
def test_any_text_is_refused_or_an_outage(text: str) -> None:
    with pytest.raises((Refused, Unavailable)):
        fetch_page(f"https://{text}", INSIDE)
