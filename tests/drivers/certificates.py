"""An authority of our own, and certificates that it signed."""

from __future__ import annotations

import datetime as dt
import ipaddress
import ssl
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

__all__ = ["Certificates", "make_certificates"]


class Certificates(NamedTuple):
    """An authority of our own, and what a server on 127.0.0.1 shows that it signed."""

    authority: Path
    server: ssl.SSLContext
    elsewhere: ssl.SSLContext
    file: Path
    """The server's key and certificate."""

    @property
    def trust(self) -> ssl.SSLContext:
        """What a client verifies with that knows the authority."""
        return ssl.create_default_context(cafile=self.authority)


def certificate(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    signer: ec.EllipticCurvePrivateKey,
    names: list[x509.GeneralName],
    *,
    age: dt.timedelta = dt.timedelta(),
) -> x509.Certificate:
    """Return a certificate that is good for an hour; without names it is the authority's own."""
    now = dt.datetime.now(dt.UTC) - age
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "broadcastkit tests")]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(x509.BasicConstraints(ca=not names, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    else:
        usage = dict.fromkeys(
            (
                "digital_signature",
                "content_commitment",
                "key_encipherment",
                "data_encipherment",
                "key_agreement",
                "encipher_only",
                "decipher_only",
            ),
            False,
        )
        builder = builder.add_extension(x509.KeyUsage(key_cert_sign=True, crl_sign=True, **usage), critical=True)
    return builder.sign(signer, hashes.SHA256())


def make_certificates(folder: Path) -> Certificates:
    """Make them, in a folder."""
    signer = ec.generate_private_key(ec.SECP256R1())
    authority = certificate("broadcastkit tests", signer, signer, [])

    def context(file: str, name: x509.GeneralName) -> ssl.SSLContext:
        key = ec.generate_private_key(ec.SECP256R1())
        path = folder / file
        path.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            + certificate(file, key, signer, [name]).public_bytes(serialization.Encoding.PEM)
        )
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        made.load_cert_chain(path)
        return made

    path = folder / "authority.pem"
    path.write_bytes(authority.public_bytes(serialization.Encoding.PEM))
    here = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    return Certificates(
        path, context("here.pem", here), context("elsewhere.pem", x509.DNSName("elsewhere.test")), folder / "here.pem"
    )
