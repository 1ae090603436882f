"""A place that gives tokens for a registry, as Docker's token authentication has it; every request for one is noted."""

from __future__ import annotations

import json
import time
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

SERVICE = "flags-registry"
IDENTITY_TOKEN = "an-identity-token"


@dataclass(slots=True)
class Tokens:
    """`asked` has who asked (None: nobody) and the scope, in order; `seconds` is how long a token is said to hold.

    `holds` is for how long it really does, the same unless a test says otherwise.
    """

    certificate: Path
    issuer: str = "tests"
    url: str = ""
    seconds: int = 300
    holds: int | None = None
    asked: list[tuple[str | None, str]] = field(default_factory=list)


@contextmanager
def tokens(folder: Path, rights: Mapping[str, str], password: str) -> Iterator[Tokens]:
    """Gives those in `rights` (a user: the actions they may do) what they may of what they ask for; others nothing."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    certificate = _certificate(key)
    path = folder / "tokens.pem"
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    chain = [b64encode(certificate.public_bytes(serialization.Encoding.DER)).decode()]
    giving = Tokens(path)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            username, given = _basic(self.headers.get("Authorization", ""))
            fields = parse_qs(urlsplit(self.path).query)
            known = username is None or (username in rights and given == password)
            self._give(fields, username, known=known)

        def do_POST(self) -> None:
            fields = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            self._give(fields, "publisher", known=fields.get("refresh_token") == [IDENTITY_TOKEN])

        def _give(self, fields: Mapping[str, list[str]], username: str | None, *, known: bool) -> None:
            scope = fields.get("scope", [""])[0]
            giving.asked.append((username, scope))
            if not known or fields.get("service") != [SERVICE]:
                self._send(401, {"errors": [{"code": "UNAUTHORIZED", "message": "who is that?"}]})
                return
            granted = _granted(scope, rights.get(username or "", ""))
            claims = _claims(giving, username, granted)
            token = jwt.encode(claims, key, algorithm="RS256", headers={"x5c": chain})
            self._send(200, {"token": token, "expires_in": giving.seconds})

        def _send(self, status: int, body: Mapping[str, object]) -> None:
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        giving.url = f"http://127.0.0.1:{server.server_port}/token"
        thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield giving
        finally:
            server.shutdown()
            thread.join(5)


def _granted(scope: str, allowed: str) -> list[dict[str, object]]:
    kind, _, rest = scope.partition(":")
    name, _, actions = rest.rpartition(":")
    granted = [action for action in actions.split(",") if action in allowed.split(",")]
    return [{"type": kind, "name": name, "actions": granted}] if granted else []


def _claims(giving: Tokens, username: str | None, granted: list[dict[str, object]]) -> dict[str, object]:
    now = int(time.time())
    holds = giving.seconds if giving.holds is None else giving.holds
    return {
        "iss": giving.issuer,
        "sub": username or "",
        "aud": SERVICE,
        "exp": now + holds,
        "nbf": now - 120,
        "iat": now,
        "jti": str(uuid4()),
        "access": granted,
    }


def _basic(header: str) -> tuple[str | None, str]:
    scheme, _, encoded = header.partition(" ")
    if scheme != "Basic":
        return None, ""
    username, _, password = b64decode(encoded).decode().partition(":")
    return username, password


def _certificate(key: rsa.RSAPrivateKey) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "tests")])
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
