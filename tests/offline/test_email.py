"""`Mailer`: what it reads, what it refuses, and what a real mail server gets."""

from __future__ import annotations

import pickle
import socket
import threading
from typing import TYPE_CHECKING, Any

import pytest

from broadcastkit.errors import (
    BadCredentialsError,
    BadRequestError,
    ConfigurationError,
    ConnectError,
    ConnectionLostError,
    DeliveryError,
    ForbiddenError,
    InvalidInputError,
    NoReplyError,
    ServiceFailedError,
    UnreachableError,
)
from broadcastkit.offline.email import Mailer
from tests.drivers.certificates import Certificates, make_certificates
from tests.interop.servers import LOOPBACK, free_port
from tests.offline.sinks import PATIENCE, mail_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.offline.sinks import MailServer

SENDER = "shop@example.com"
PASSWORD = "s3cr3t"


def mailer_of(server: MailServer, **options: Any) -> Mailer:
    return Mailer(LOOPBACK, **{"port": server.port, "encryption": "none", "sender": SENDER, **options})


def send(mailer: Mailer, **changed: Any) -> None:
    mailer.send(**{"to": "ada@example.com", "subject": "News", "text": "Hello!", **changed})


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


# -- what a server gets ------------------------------------------------------------------------------------------------


def test_a_mail_arrives_as_it_was_written(mail: MailServer) -> None:
    mailer = mailer_of(mail, sender_name="The shop, Köln")
    send(mailer, subject="Größe “ä” ✓", text="Line one\n.\nGrüße ✓\n", html="<p>Grüße</p>", id="0a1b")

    arrived = mail.mail()
    message: Any = arrived.message
    assert (arrived.sender, arrived.to, arrived.encrypted) == (SENDER, ["ada@example.com"], False)
    assert message["subject"] == "Größe “ä” ✓"
    assert (str(message["from"]), str(message["to"])) == ('"The shop, Köln" <shop@example.com>', "ada@example.com")
    assert message["message-id"] == "<0a1b@example.com>"
    assert message["auto-submitted"] == "auto-generated"
    assert message["date"].datetime.tzinfo is not None
    assert message.get_body(("plain",)).get_content() == "Line one\n.\nGrüße ✓\n"
    assert message.get_body(("html",)).get_content() == "<p>Grüße</p>\n"


def test_a_mail_without_html_is_plain_and_each_has_an_id(mail: MailServer) -> None:
    mailer = mailer_of(mail)
    for _ in range(2):
        send(mailer)

    first, second = mail.mail().message, mail.mail().message
    assert (first.get_content_type(), first.get_content()) == ("text/plain", "Hello!\n")
    assert first["message-id"] != second["message-id"]


def test_a_domain_that_is_not_ascii_is_written_as_dns_has_it(mail: MailServer) -> None:
    send(mailer_of(mail), to="ada@bücher.example")

    assert mail.mail().to == ["ada@xn--bcher-kva.example"]  # RFC 3492's way, as Python's codec documents it


async def test_async_code_sends_in_a_thread(mail: MailServer) -> None:
    await mailer_of(mail).asend(to="ada@example.com", subject="News", text="Hello!", html="<p>Hello!", id="1")

    arrived = mail.mails.get_nowait().message
    assert (arrived["message-id"], arrived.get_content_type()) == ("<1@example.com>", "multipart/alternative")


def test_several_threads_may_send_at_once(mail: MailServer) -> None:
    mailer = mailer_of(mail)
    threads = [threading.Thread(target=send, args=(mailer,), kwargs={"id": str(number)}) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)

    assert {mail.mail().message["message-id"] for _ in threads} == {f"<{number}@example.com>" for number in range(8)}


# -- encryption and login ----------------------------------------------------------------------------------------------


# said of a server for which a test has reasons
INSECURE = pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")


@INSECURE
@pytest.mark.parametrize("encryption", ["starttls", "tls"])
def test_a_mail_goes_encrypted_after_a_login(certificates: Certificates, encryption: Any) -> None:
    starttls: dict[str, Any] = {"tls_context": certificates.server, "require_starttls": True}
    tls: dict[str, Any] = {"ssl_context": certificates.server, "auth_require_tls": False}
    with mail_server(login=True, **(starttls if encryption == "starttls" else tls)) as server:
        mailer = mailer_of(
            server,
            encryption=encryption,
            verify=str(certificates.authority),
            username="apikey",
            password=PASSWORD,
        )
        send(mailer)

        assert server.logins == [(b"apikey", PASSWORD.encode())]
        arrived = server.mail()
        assert arrived.encrypted or encryption == "tls"
        assert repr(mailer) == f"Mailer('127.0.0.1:{server.port}', {encryption})"


@pytest.mark.parametrize("encryption", ["starttls", "tls"])
@pytest.mark.parametrize("whose", ["elsewhere", "server"])
def test_a_certificate_of_another_or_of_nobody_known_is_refused(
    certificates: Certificates, encryption: Any, whose: str
) -> None:
    shown: dict[str, Any] = {"tls_context" if encryption == "starttls" else "ssl_context": getattr(certificates, whose)}
    with mail_server(**shown) as server:
        verify: Any = certificates.trust if whose == "elsewhere" else True
        with pytest.raises(ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            send(mailer_of(server, encryption=encryption, verify=verify))
        assert server.mails.empty()


def test_a_server_without_starttls_is_told_nothing(mail: MailServer) -> None:
    mailer = mailer_of(mail, encryption="starttls", username="ada", password=PASSWORD)
    with pytest.raises(ConfigurationError, match="offers no STARTTLS, and was told nothing"):
        send(mailer)

    assert mail.logins == []


@INSECURE
def test_a_wrong_password_is_named_and_not_shown() -> None:
    with mail_server(login=True, auth_require_tls=False) as server:
        with pytest.raises(BadCredentialsError) as raised:
            send(mailer_of(server, username="ada", password="wr0ng"))
        assert raised.value.status == 401
        assert "answered 535 5.7.8 (check username and password)" in str(raised.value)
        assert "wr0ng" not in str(raised.value)

        with pytest.raises(BadCredentialsError, match="answered 530"):
            send(mailer_of(server))


def test_a_server_where_nobody_can_log_in(mail: MailServer) -> None:
    with pytest.raises(ConfigurationError, match=r"username: 127.0.0.1:.* does not let anybody log in"):
        send(mailer_of(mail, username="ada", password=PASSWORD))


# -- what a server answers ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["RCPT", "DATA"])
@pytest.mark.parametrize(
    ("answer", "error", "retryable", "said"),
    [
        ("450 4.2.0 t0psecret <ada@example.com> is greylisted", ServiceFailedError, True, "450 4.2.0"),
        ("421 4.3.2 t0psecret", UnreachableError, True, "421 4.3.2"),
        ("452 t0psecret", ServiceFailedError, True, "452"),
        ("550 5.1.1 t0psecret <ada@example.com>: no such user", BadRequestError, False, "550 5.1.1"),
        ("552 5.3.4 t0psecret", BadRequestError, False, "552 5.3.4"),
        ("554 5.7.1 t0psecret", BadRequestError, False, "554 5.7.1"),
    ],
    ids=["450", "421", "452", "550", "552", "554"],
)
def test_what_is_refused(
    mail: MailServer, command: str, answer: str, error: type[DeliveryError], said: str, *, retryable: bool
) -> None:
    mail.replies[command] = [answer]
    with pytest.raises(DeliveryError) as raised:
        send(mailer_of(mail))

    assert (type(raised.value), raised.value.retryable) == (error, retryable)
    # of these, a queue tries again by `retryable`: an HTTP status would say something else
    assert raised.value.status is None
    assert f"answered {said}" in str(raised.value)
    shown = str(raised.value) + repr(raised.value.__dict__) + repr(raised.value.__cause__)
    assert "t0psecret" not in shown
    assert "ada@" not in shown
    assert str(pickle.loads(pickle.dumps(raised.value))) == str(raised.value)  # noqa: S301 - of our own

    send(mailer_of(mail))
    assert mail.mail().to == ["ada@example.com"]


def test_nobody_is_there() -> None:
    mailer = Mailer(LOOPBACK, port=free_port(), encryption="none", sender=SENDER)
    with pytest.raises(ConnectError, match=r"127.0.0.1:.*ConnectionRefusedError"):
        send(mailer)


class Script:
    """A server that says what is in a script, waiting for a line (or the end of a mail) before each but the first."""

    def __init__(self, *lines: bytes, hangs: bool = False) -> None:
        self._lines = lines
        self._hangs = hangs
        self._done = threading.Event()
        self.heard: list[bytes] = []
        self._listener = socket.create_server((LOOPBACK, 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        connected, _ = self._listener.accept()
        with connected, connected.makefile("rb") as lines:
            for number, line in enumerate(self._lines):
                if number:
                    self.heard.append(lines.readline())
                connected.sendall(line)
                if line.startswith(b"354"):
                    while (heard := lines.readline()) not in {b".\r\n", b""}:
                        self.heard.append(heard)
                    lines_left = self._lines[number + 1 :]
                    if not lines_left:
                        break
            if self._hangs:
                self._done.wait(PATIENCE)

    def close(self) -> None:
        self._done.set()
        self._thread.join(PATIENCE)
        self._listener.close()


@pytest.fixture
def script() -> Iterator[Callable[..., Script]]:
    made: list[Script] = []

    def make(*lines: bytes, hangs: bool = False) -> Script:
        made.append(Script(*lines, hangs=hangs))
        return made[-1]

    yield make
    for one in made:
        one.close()


TAKES = (b"220 hello\r\n", b"250 hello\r\n", b"250 OK\r\n", b"250 OK\r\n")


@pytest.mark.parametrize(
    ("lines", "hangs", "error", "retryable"),
    [
        ((), True, ConnectError, True),
        ((), False, ConnectError, True),
        ((b"554 t0psecret\r\n",), False, ForbiddenError, False),
        ((b"421 t0psecret\r\n",), False, UnreachableError, True),
        (TAKES[:2], False, ConnectError, True),
        (TAKES[:2], True, ConnectError, True),
        ((*TAKES, b"354 go on\r\n"), False, ConnectionLostError, True),
        ((*TAKES, b"354 go on\r\n"), True, NoReplyError, True),
    ],
    ids=["silent", "gone", "554", "421", "gone after hello", "silent after hello", "gone with it", "silent with it"],
)
def test_a_conversation_that_breaks(
    script: Callable[..., Script], lines: Any, error: type[DeliveryError], *, hangs: bool, retryable: bool
) -> None:
    server = script(*lines, hangs=hangs)
    mailer = Mailer(LOOPBACK, port=server.port, encryption="none", sender=SENDER, timeout=0.5)
    with pytest.raises(DeliveryError) as raised:
        send(mailer)

    assert (type(raised.value), raised.value.retryable) == (error, retryable)
    assert "t0psecret" not in str(raised.value)


@pytest.mark.parametrize("farewell", [(), (b"500 t0psecret\r\n",)], ids=["gone", "rude"])
def test_a_mail_that_was_taken_was_taken_whatever_comes_of_the_farewell(farewell: Any) -> None:
    class Taken(Script):
        def _serve(self) -> None:
            connected, _ = self._listener.accept()
            with connected, connected.makefile("rb") as lines:
                for line in (*TAKES, b"354 go on\r\n"):
                    connected.sendall(line)
                    if not line.startswith(b"354"):
                        lines.readline()
                while (heard := lines.readline()) != b".\r\n":
                    self.heard.append(heard)
                connected.sendall(b"250 taken\r\n")
                for line in farewell:
                    lines.readline()
                    connected.sendall(line)

    server = Taken()
    try:
        send(Mailer(LOOPBACK, port=server.port, encryption="none", sender=SENDER, timeout=PATIENCE))
    finally:
        server.close()

    assert b"Subject: News\r\n" in server.heard


def test_a_login_that_python_does_not_know(script: Callable[..., Script]) -> None:
    server = script(b"220 hello\r\n", b"250-hello\r\n250 AUTH X-OTHER\r\n")
    mailer = Mailer(LOOPBACK, port=server.port, encryption="none", sender=SENDER, username="a", password=PASSWORD)
    with pytest.raises(ConfigurationError, match=r"username: .* offers no way to log in that Python knows"):
        send(mailer)


# -- what is refused before anything is sent ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"to": "ada@example.com\r\nBcc: all@example.com"}, "to must be one address"),
        ({"to": "ada@example.com, bob@example.com"}, "to must be one address"),
        ({"to": "Ada <ada@example.com>"}, "to must be one address"),
        ({"to": "ada"}, "to must be one address"),
        ({"to": ""}, "to must be one address"),
        ({"to": "@example.com"}, "to must be one address"),
        ({"to": "ada@"}, "to must be one address"),
        ({"to": "äda@example.com"}, "to must be one address"),
        ({"to": f"ada@{'x' * 64}.example"}, "to must be one address"),
        ({"to": None}, "to must be one address"),
        ({"subject": "News\nBcc: all@example.com"}, "subject must be one line"),
        ({"subject": "News\r"}, "subject must be one line"),
        ({"subject": 7}, "subject must be a str, not int"),
        ({"text": b"Hello"}, "text must be a str, not bytes"),
        ({"html": 7}, "html must be a str, not int"),
        ({"text": "half of \ud83d"}, "text and html must be Unicode"),
        ({"id": "a b"}, "id must be 1 to 128 ASCII letters"),
        ({"id": "a>\r\nBcc: all@example.com"}, "id must be 1 to 128 ASCII letters"),
        ({"id": ""}, "id must be 1 to 128 ASCII letters"),
        ({"id": 7}, "id must be 1 to 128 ASCII letters"),
    ],
    ids=str,
)
def test_nothing_becomes_a_header_that_is_none(mail: MailServer, changed: Any, error: str) -> None:
    with pytest.raises(InvalidInputError, match=error) as raised:
        send(mailer_of(mail), **changed)

    assert mail.mails.empty()
    assert "Bcc" not in str(raised.value)


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"host": ""}, "host must be the name of a mail server"),
        ({"host": None}, "host must be a str, not NoneType"),
        ({"host": "smtp://mail.example.com"}, "host must be the name of a mail server, not 'smtp://mail.example.com'"),
        ({"host": f"ada:{PASSWORD}@mail.example.com"}, "host must be the name of a mail server$"),
        ({"encryption": "ssl"}, "encryption must be one of starttls, tls, none, not 'ssl'"),
        ({"port": 0}, "port must be"),
        ({"sender": "shop"}, "sender must be one address"),
        ({"sender_name": "A\nBcc: b@example.com"}, "sender must be one address"),
        ({"username": "ada"}, "username and password go together"),
        ({"password": PASSWORD}, "username and password go together"),
        (
            {"encryption": "none", "username": "ada", "password": PASSWORD},
            "encryption must be starttls or tls: a password is not sent in clear",
        ),
        ({"verify": "/absent.pem"}, "verify must be the path of a CA file"),
        ({"timeout": 0}, "timeout must be"),
    ],
    ids=str,
)
def test_settings_that_are_wrong(changed: Any, error: str) -> None:
    settings = {"host": "mail.example.com", "sender": SENDER, **changed}
    with pytest.raises(ConfigurationError, match=error) as raised:
        Mailer(**settings)
    assert PASSWORD not in str(raised.value)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1"])
def test_on_this_machine_a_password_may_go_in_clear(host: str) -> None:
    Mailer(host, sender=SENDER, encryption="none", username="ada", password=PASSWORD)


# -- URLs and variables ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("smtp://apikey:s3cr3t@smtp.sendgrid.net", "Mailer('smtp.sendgrid.net:587', starttls)"),
        ("smtp://smtp.example.com:2525", "Mailer('smtp.example.com:2525', starttls)"),
        ("smtps://a%40b:s3cr3t@smtp.example.com", "Mailer('smtp.example.com:465', tls)"),
        ("smtp+none://127.0.0.1:1025", "Mailer('127.0.0.1:1025', none)"),
    ],
)
def test_urls(url: str, shown: str) -> None:
    assert repr(Mailer.from_url(url, sender=SENDER)) == shown


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("mail.example.com", "url must begin with smtp://, smtps:// or smtp[+]none://"),
        ("https://mail.example.com", "url must begin with smtp://"),
        ("smtp://ada:s3cr3t@mail:port", "url must have a host, and a number as its port"),
        ("smtp://", "host must be the name"),
        ("smtp://ada@mail.example.com", "username and password go together"),
    ],
)
def test_urls_that_are_wrong(url: str, error: str) -> None:
    with pytest.raises(ConfigurationError, match=error) as raised:
        Mailer.from_url(url, sender=SENDER)
    assert PASSWORD not in str(raised.value)


LARAVEL = {"MAIL_HOST": "smtp.example.com", "MAIL_FROM_ADDRESS": SENDER, "MAIL_FROM_NAME": "Shop"}
LOGIN = {"MAIL_USERNAME": "apikey", "MAIL_PASSWORD": PASSWORD}


@pytest.mark.parametrize(
    ("environ", "shown"),
    [
        ({}, "smtp.example.com:587', starttls"),
        ({"MAIL_ENCRYPTION": "tls", "MAIL_PORT": "587", **LOGIN}, "smtp.example.com:587', starttls"),
        ({"MAIL_ENCRYPTION": "tls", "MAIL_PORT": "465", **LOGIN}, "smtp.example.com:465', tls"),
        ({"MAIL_ENCRYPTION": "ssl", **LOGIN}, "smtp.example.com:465', tls"),
        ({"MAIL_ENCRYPTION": "STARTTLS", "MAIL_PORT": "2525"}, "smtp.example.com:2525', starttls"),
        # what `laravel new` has written for years
        (
            {
                "MAIL_HOST": "127.0.0.1",
                "MAIL_PORT": "2525",
                "MAIL_USERNAME": "null",
                "MAIL_PASSWORD": "null",
                "MAIL_ENCRYPTION": "null",
            },
            "127.0.0.1:2525', none",
        ),
        ({"MAIL_PORT": "", "MAIL_ENCRYPTION": ""}, "smtp.example.com:587', starttls"),
    ],
    ids=["little", "tls", "tls on 465", "ssl", "starttls", "laravel's example", "empty"],
)
def test_the_variables_of_a_laravel_application(
    monkeypatch: pytest.MonkeyPatch, environ: dict[str, str], shown: str
) -> None:
    for name, value in {**LARAVEL, **environ}.items():
        monkeypatch.setenv(name, value)

    assert repr(Mailer.from_env()) == f"Mailer('{shown})"
    assert repr(Mailer.from_env({**LARAVEL, **environ}, port=26)) == f"Mailer('{shown})".replace(
        shown.partition(":")[2].partition("'")[0], "26"
    )


def test_the_senders_name_is_read(mail: MailServer) -> None:
    environ = {**LARAVEL, "MAIL_HOST": LOOPBACK, "MAIL_PORT": str(mail.port), "MAIL_ENCRYPTION": "null"}
    send(Mailer.from_env(environ))

    assert str(mail.mail().message["from"]) == "Shop <shop@example.com>"


@pytest.mark.parametrize(
    ("environ", "error"),
    [
        ({"MAIL_HOST": ""}, "^MAIL_HOST is not set$"),
        ({"MAIL_FROM_ADDRESS": "null"}, "^MAIL_FROM_ADDRESS is not set$"),
        ({"MAIL_FROM_ADDRESS": "shop"}, "^MAIL_FROM_ADDRESS must be one address"),
        ({"MAIL_PORT": "s3cr3t"}, "^MAIL_PORT must be a number from 1 to 65535$"),
        ({"MAIL_PORT": "70000"}, "^MAIL_PORT must be"),
        ({"MAIL_ENCRYPTION": "rot13"}, "^MAIL_ENCRYPTION must be tls, ssl, starttls or null$"),
        ({"MAIL_PASSWORD": PASSWORD}, "^MAIL_USERNAME and MAIL_PASSWORD go together"),
        ({"MAIL_ENCRYPTION": "null", **LOGIN}, "^MAIL_ENCRYPTION must be starttls or tls: a password"),
    ],
    ids=str,
)
def test_variables_that_are_wrong_are_named(environ: dict[str, str], error: str) -> None:
    with pytest.raises(ConfigurationError, match=error) as raised:
        Mailer.from_env({**LARAVEL, **environ})
    assert PASSWORD not in str(raised.value)
