"""One Redis that is connected to without a client: where it is, how it is greeted, and whom TLS trusts."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from broadcastkit.drivers.redis_io.wire import Command

if TYPE_CHECKING:
    import ssl

__all__ = ["Server"]


class Server(NamedTuple):
    """A server at an address, or at the path of a Unix socket."""

    host: str
    port: int
    path: str | None
    tls: bool
    verify: bool | str
    greeting: tuple[Command, ...]
    """What every connection begins with: who we are, and which database. It may hold a password."""
    seconds: float
    """For connecting, and for each round trip."""

    def __repr__(self) -> str:
        """Leave the password out."""
        return f"<Server {self.path or f'{self.host}:{self.port}'}>"

    def context(self) -> ssl.SSLContext | None:
        """Return the TLS context, or None without TLS. Making it reads files."""
        if not self.tls:
            return None
        import ssl

        context = ssl.create_default_context()
        if self.verify is False:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        elif isinstance(self.verify, str):
            context.load_verify_locations(cafile=self.verify)
        return context
