"""No address, or nobody there who can be trusted: nothing is sent, and callers are told why."""

from __future__ import annotations

import datetime as dt
import ipaddress
import socket
import ssl
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.drivers.certificates import certificate
from tests.faults.ledger import Row, pairs, row_of
from tests.faults.proxy import Proxy
from tests.faults.queues import EVERY, Deliveries
from tests.faults.scenes import through
from tests.faults.witness import Witness
from tests.interop.servers import LOOPBACK, PusherServer

pytestmark = pytest.mark.real

NOWHERE = "nowhere.invalid"
HERE = x509.IPAddress(ipaddress.ip_address(LOOPBACK))
ELSEWHERE = x509.DNSName("elsewhere.test")
CERTIFICATES: dict[str, tuple[x509.GeneralName, dt.timedelta, bool]] = {
    "TLS: signed by nobody known": (HERE, dt.timedelta(), False),
    "TLS: another's name": (ELSEWHERE, dt.timedelta(), True),
    "TLS: expired": (HERE, dt.timedelta(hours=2), True),
    "TLS: a good certificate": (HERE, dt.timedelta(), True),
}


def tls(folder: Path, fault: str) -> tuple[ssl.SSLContext, dict[str, Any]]:
    """Make what a server shows, and what its callers trust."""
    name, age, known = CERTIFICATES[fault]
    signer, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    authority, shown = folder / "authority.pem", folder / "shown.pem"
    pem = serialization.Encoding.PEM
    authority.write_bytes(certificate("broadcastkit tests", signer, signer, []).public_bytes(pem))
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    shown.write_bytes(private + certificate("shown", key, signer, [name], age=age).public_bytes(pem))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(shown)
    return context, {"verify": str(authority)} if known else {}


def error(delivery: str) -> str:
    return "kept, waiting" if delivery == "Outbox" else "ConnectError"


@pytest.mark.parametrize(("fault", "delivery"), pairs(CERTIFICATES, EVERY))
def test_tls(  # noqa: PLR0917 - fixtures
    fault: str,
    delivery: str,
    tmp_path: Path,
    soketi: PusherServer,
    proxies: Callable[..., Proxy],
    deliver: Deliveries,
    listener: Witness,
    channels: Sequence[str],
    ledger: Callable[[Row], None],
) -> None:
    context, options = tls(tmp_path, fault)
    proxy = proxies(soketi.port, tls=context)
    proxy.open()
    listener.listen(channels)
    scene = through(soketi, channels, 10, port=proxy.port, scheme="https", **options)

    report = deliver(delivery, scene._replace(ends=False))
    row = row_of(fault, delivery, scene.numbers, report, listener.heard(channels))
    ledger(row)

    good = fault == "TLS: a good certificate"
    assert (row.lost, row.doubled) == (0, 0)
    assert row.told == ({} if good or delivery.startswith("Guarded") else {error(delivery): 10})
    assert row.delivered == (10 if not row.told else 0)
    assert proxy.requests == 0 or good


@pytest.fixture(scope="module")
def unknown() -> OSError:
    """Return what the resolver says of a name that there can never be; asked once, since some take seconds for it."""
    with pytest.raises(socket.gaierror) as caught:
        socket.getaddrinfo(NOWHERE, 80)
    return caught.value


@pytest.mark.parametrize(("fault", "delivery"), pairs(["a name that does not resolve"], EVERY))
def test_a_name_that_nobody_knows(  # noqa: PLR0917 - fixtures
    fault: str,
    delivery: str,
    unknown: OSError,
    monkeypatch: pytest.MonkeyPatch,
    soketi: PusherServer,
    deliver: Deliveries,
    listener: Witness,
    channels: Sequence[str],
    ledger: Callable[[Row], None],
) -> None:
    ask = socket.getaddrinfo

    def remembered(host: Any, *rest: Any, **options: Any) -> Any:
        if host == NOWHERE:
            raise unknown
        return ask(host, *rest, **options)

    monkeypatch.setattr(socket, "getaddrinfo", remembered)
    listener.listen(channels)
    scene = through(soketi, channels, 10, host=NOWHERE, port=80)

    report = deliver(delivery, scene._replace(ends=False))
    row = row_of(fault, delivery, scene.numbers, report, listener.heard(channels))
    ledger(row)

    assert (row.lost, row.doubled) == (0, 0)
    assert row.told == ({} if delivery.startswith("Guarded") else {error(delivery): 10})
