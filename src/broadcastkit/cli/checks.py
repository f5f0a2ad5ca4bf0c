"""What `broadcastkit doctor` looks at, connection by connection. Each finding names the setting to look at."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from email.message import Message as EmailMessage
from email.utils import parsedate_to_datetime
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import HTTPRedirectHandler, HTTPSHandler, build_opener

from broadcastkit.cli.connections import Configured, PusherConnection
from broadcastkit.cli.listening import Listener
from broadcastkit.cli.websocket import connected, tls_context
from broadcastkit.core.message import Message
from broadcastkit.drivers.base import Driver
from broadcastkit.drivers.pusher import PusherDriver
from broadcastkit.errors import (
    BadCredentialsError,
    BroadcastError,
    ConfigurationError,
    DeliveryError,
    RefusedError,
    UnknownAppError,
)
from broadcastkit.signing import CLOCK_TOLERANCE

__all__ = ["Check", "Patient", "examine"]

_PURPOSE = "broadcastkit doctor"
_TEST = Message("broadcastkit.doctor", ("broadcastkit-doctor",), "{}")
_SECONDS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


@dataclass(frozen=True, slots=True)
class Check:
    """One finding; `status` is what it makes of the exit status."""

    about: str
    says: str
    status: int = 0

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong with it."""
        return self.status == 0


@dataclass(frozen=True, slots=True)
class Patient:
    """One connection, and how long to wait for it."""

    found: Configured
    name: str
    timeout: float

    def called(self, setting: str) -> str:
        """Return what a setting is called where it was given."""
        return self.found.called(self.name, setting)


def examine(patient: Patient) -> list[Check]:
    """Check a connection; what makes no sense after a failure is left out."""
    try:
        driver = patient.found.driver(patient.name)
        if isinstance(driver, PusherDriver):
            return _examine_pusher(patient, patient.found.pusher(patient.name, _PURPOSE))
    except ConfigurationError as error:
        return [Check("settings", str(error), 2)]
    if patient.found.driver_name(patient.name) in {"log", "memory", "null"}:
        return [Check("settings", "complete; it has no service behind it, and no client will hear anything")]
    return [Check("settings", f"complete: {driver!r}"), _published(driver)]


def _published(driver: Driver) -> Check:
    """Send an event that nobody listens for: of what only carries, nothing else can be asked."""
    try:
        outcome = driver.send([_TEST])[0]
    except BroadcastError as error:
        outcome = error
    if isinstance(outcome, BroadcastError):
        return Check("publishing", str(outcome), 2 if isinstance(outcome, ConfigurationError) else 1)
    return Check("publishing", f"accepted: {_TEST.event} on {_TEST.channels[0]}, for which nobody listens")


# -- services of Pusher's kind ---------------------------------------------------------------------------------------


def _examine_pusher(patient: Patient, target: PusherConnection) -> list[Check]:
    endpoint = target.driver.endpoint
    checks = [
        Check("settings", f"complete: app {endpoint.app_id} with key {target.key} at {endpoint.origin}{endpoint.path}")
    ]
    try:
        date = _asked(patient, target)
    except (OSError, HTTPException, UnicodeError) as error:  # the last of a name that is none
        return [*checks, Check("host", _unreachable(patient, target, error), 1)]
    clock = _clock(date, time.time())
    says = "answers"
    if endpoint.scheme == "https" and not target.verify:
        says += f"; its certificate is not checked ({patient.called('verify')})"
    return [*checks, Check("host", says), clock, _secret(patient, target, clock), _key(patient, target)]


class _NoRedirect(HTTPRedirectHandler):
    """A service that sends one elsewhere has answered; its driver would not follow either."""

    def redirect_request(  # noqa: PLR0917 - as urllib calls it
        self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> None:
        """Follow none."""


def _asked(patient: Patient, target: PusherConnection) -> str | None:
    """Ask unsigned, through the proxy that the environment names; returns the Date of whatever answer comes."""
    endpoint = target.driver.endpoint
    opener = build_opener(_NoRedirect, HTTPSHandler(context=tls_context(endpoint, verify=target.verify)))
    address = f"{endpoint.origin}{endpoint.paths('/channels')[0]}"
    headers: EmailMessage[str, str]
    try:
        with opener.open(address, timeout=patient.timeout) as answer:
            headers = answer.headers
    except HTTPError as refusal:
        with refusal:
            headers = refusal.headers
    except URLError as error:
        raise error.reason if isinstance(error.reason, OSError) else OSError(str(error.reason)) from None
    return headers.get("Date")


def _unreachable(patient: Patient, target: PusherConnection, error: Exception) -> str:
    endpoint, called = target.driver.endpoint, patient.called
    where = f"{endpoint.host} port {endpoint.port}"
    if isinstance(error, ssl.SSLCertVerificationError):
        return (
            f"{where} shows a certificate that is not trusted ({error.verify_message}): {called('host')} must be a "
            f"name in it; a CA of your own goes into SSL_CERT_FILE"
        )
    if isinstance(error, ssl.SSLError):
        return f"{where} speaks no TLS ({error.reason}): is {called('scheme')} http?"
    if isinstance(error, ConnectionRefusedError):
        return f"nothing listens on {where}: start the service, or look at {called('host')} and {called('port')}"
    if isinstance(error, TimeoutError):
        return (
            f"{where} has not answered within {patient.timeout:g} s: look at {called('host')} and {called('port')}, at "
            f"{called('scheme')}, and at firewalls"
        )
    if isinstance(error, (HTTPException, ConnectionError)):
        return (
            f"{where} speaks no HTTP ({type(error).__name__}): look at {called('port')}; is {called('scheme')} https?"
        )
    return f"{where} cannot be reached ({error}): look at {called('host')}"


def _clock(date: str | None, now: float) -> Check:
    try:
        there = None if date is None else parsedate_to_datetime(date).timestamp()
    except ValueError:
        there = None
    if there is None:
        return Check("clock", "not checked: the service does not tell its time")
    apart = abs(there - now)
    if apart <= CLOCK_TOLERANCE:
        return Check("clock", f"{_span(apart)} apart; signatures may be {CLOCK_TOLERANCE} s old")
    which = "behind" if there > now else "ahead of"
    return Check(
        "clock",
        f"this machine is {_span(apart)} {which} the service, which refuses what is signed more than "
        f"{CLOCK_TOLERANCE} s off: set the clock, by NTP",
        1,
    )


def _span(seconds: float) -> str:
    rest, parts = round(seconds), []
    for size, unit in _SECONDS:
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2]) or "0 s"


def _secret(patient: Patient, target: PusherConnection, clock: Check) -> Check:
    """Ask for the channels, signed."""
    called, endpoint = patient.called, target.driver.endpoint

    def explain(error: DeliveryError) -> str:
        if isinstance(error, BadCredentialsError):
            pair = f"{called('secret')} and {called('key')} must be those of app {endpoint.app_id}"
            return f"refused{_said(error)}: {'set the clock first; then ' if not clock.ok else ''}{pair}"
        if isinstance(error, UnknownAppError):
            return f"no app {endpoint.app_id} there{_said(error)}: look at {called('app_id')} and {called('path')}"
        return str(error)

    return _tried("app and secret", "accepted", target.driver.channels_info, explain)


def _key(patient: Patient, target: PusherConnection) -> Check:
    """Connect as a client: soketi takes a signed request with any key, and clients come with nothing else."""
    called = patient.called

    def connect() -> None:
        with connected(target, timeout=patient.timeout, purpose=_PURPOSE) as websocket:
            try:
                client = Listener((), target.driver, user_id="doctor")
                client.read(websocket.receive(patient.timeout))
                client.check_greeted()
            except TimeoutError:
                raise DeliveryError(f"the server has not greeted a client within {patient.timeout:g} s") from None

    def explain(error: DeliveryError) -> str:
        return (
            f"{str(error).rstrip('.')}: look at {called('key')}" if isinstance(error, UnknownAppError) else str(error)
        )

    return _tried("key", "accepted: a client can connect", connect, explain)


def _tried(about: str, well: str, call: Callable[[], object], explain: Callable[[DeliveryError], str]) -> Check:
    try:
        call()
    except DeliveryError as error:
        return Check(about, explain(error), 1)
    return Check(about, well)


def _said(error: RefusedError) -> str:
    said = " ".join(error.response_text.split())
    return f" ({said[:200]})" if said else ""
