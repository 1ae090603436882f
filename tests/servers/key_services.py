"""Azure Key Vault and Google's Cloud KMS on loopback, as far as their REST references say what signing takes.

There is no emulator of either to be had. These two refuse what they do not know, and hold their keys in memory.
"""

from __future__ import annotations

import json
import ssl
from base64 import b64decode, b64encode, urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from re import fullmatch
from threading import Thread
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.x509.oid import NameOID
from google_crc32c import value as crc32c

TOKEN = "a-token-of-the-publisher"
STRANGER = "a-token-of-somebody-else"
_DIGEST = ec.ECDSA(Prehashed(SHA256()))
_VERSION = r"projects/[^/]+/locations/[^/]+/keyRings/[^/]+/cryptoKeys/[^/]+/cryptoKeyVersions/\d+"

Answer = tuple[int, dict[str, Any], dict[str, str]]


@dataclass(slots=True)
class CloudKms:
    """`keys` by the name of their version; `asked` are requests; `damages` so many answers to come lose a byte."""

    url: str = ""
    keys: dict[str, ec.EllipticCurvePrivateKey] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    damages: int = 0
    forgets_digest: bool = False

    def make_key(self, name: str, curve: ec.EllipticCurve | None = None) -> str:
        """The URL by which burgee knows it."""
        self.keys[name] = ec.generate_private_key(curve or ec.SECP256R1())
        return f"gcpkms://{name}"

    def environ(self, token: str = TOKEN) -> dict[str, str]:
        """The variables of a publisher."""
        return {"CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDKMS": self.url, "GOOGLE_OAUTH_ACCESS_TOKEN": token}

    def answer(self, method: str, path: str, headers: Any, body: bytes) -> Answer:
        """As https://cloudkms.googleapis.com answers."""
        self.asked.append(f"{method} {path}")
        if headers.get("Authorization") == f"Bearer {STRANGER}":
            return _google(403, "PERMISSION_DENIED", "Permission 'cloudkms.cryptoKeyVersions.useToSign' denied.")
        if headers.get("Authorization") != f"Bearer {TOKEN}":
            return _google(401, "UNAUTHENTICATED", "Request had invalid authentication credentials.")
        found = fullmatch(rf"/v1/({_VERSION})(/publicKey|:asymmetricSign)", path)
        if found is None or (found[2] == "/publicKey") != (method == "GET"):
            return _google(400, "INVALID_ARGUMENT", "Unknown request.")
        name, key = found[1], self.keys.get(found[1])
        if key is None:
            return _google(404, "NOT_FOUND", f"CryptoKeyVersion {name} not found.")
        return 200, self._public_key(name, key) if method == "GET" else self._signed(name, key, json.loads(body)), {}

    def _public_key(self, name: str, key: ec.EllipticCurvePrivateKey) -> dict[str, Any]:
        pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        curve = {"secp256r1": "P256_SHA256", "secp384r1": "P384_SHA384"}[key.curve.name]
        said = {"pem": pem.decode(), "algorithm": f"EC_SIGN_{curve}", "pemCrc32c": str(crc32c(pem)), "name": name}
        return {**said, "protectionLevel": "SOFTWARE"}

    def _signed(self, name: str, key: ec.EllipticCurvePrivateKey, asked: dict[str, Any]) -> dict[str, Any]:
        assert set(asked) == {"digest", "digestCrc32c"}
        assert set(asked["digest"]) == {"sha256"}
        digest = b64decode(asked["digest"]["sha256"], validate=True)
        assert asked["digestCrc32c"] == str(crc32c(digest))
        signature = key.sign(digest, _DIGEST)
        summed = str(crc32c(signature))
        if self.damages:
            self.damages -= 1
            signature = signature[:-1] + bytes([signature[-1] ^ 1])
        said = {"signature": b64encode(signature).decode(), "signatureCrc32c": summed, "name": name}
        verified = {} if self.forgets_digest else {"verifiedDigestCrc32c": True}
        return {**said, **verified, "protectionLevel": "SOFTWARE"}


@dataclass(slots=True)
class KeyVault:
    """`keys` by name and version, of which the last is the current one; `certificate` is what its TLS is trusted by."""

    url: str = ""
    certificate: Path = Path()
    keys: dict[tuple[str, str], ec.EllipticCurvePrivateKey] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def make_key(self, name: str, version: str = "0" * 32, curve: ec.EllipticCurve | None = None) -> str:
        """The URL by which burgee knows it, without a version."""
        self.keys[(name, version)] = ec.generate_private_key(curve or ec.SECP256R1())
        return f"azurekms://{self.url.partition('://')[2]}/keys/{name}"

    def answer(self, method: str, path: str, headers: Any, body: bytes) -> Answer:
        """As a vault answers; who shows no token is told where there are any."""
        self.asked.append(f"{method} {path.partition('?')[0]}")
        if headers.get("Authorization") == f"Bearer {STRANGER}":
            return _azure(403, "Forbidden", "Caller is not authorized to perform action on resource.")
        if headers.get("Authorization") != f"Bearer {TOKEN}":
            tenant = "https://login.microsoftonline.com/00000000-0000-0000-0000-000000000000"
            challenge = f'Bearer authorization="{tenant}", resource="https://vault.azure.net"'
            status, said, _ = _azure(401, "Unauthorized", "AKV10000: Request is missing a Bearer or PoP token.")
            return status, said, {"WWW-Authenticate": challenge}
        found = fullmatch(r"/keys/([^/]+)/([0-9a-f]{32})?/?(sign)?\?api-version=(?:7\.\d|20\d\d-\d\d-\d\d)", path)
        if found is None or bool(found[3]) != (method == "POST"):
            return _azure(400, "BadParameter", "Unknown request.")
        name = found[1]
        version = found[2] or next((known for kept, known in reversed(self.keys) if kept == name), "")
        key = self.keys.get((name, version))
        if key is None:
            return _azure(404, "KeyNotFound", f"A key with (name/id) {name} was not found in this key vault.")
        kid = f"{self.url}/keys/{name}/{version}"
        return 200, _jwk(kid, key) if method == "GET" else _es256(kid, key, json.loads(body)), {}


def _jwk(kid: str, key: ec.EllipticCurvePrivateKey) -> dict[str, Any]:
    numbers, size = key.public_key().public_numbers(), (key.key_size + 7) // 8
    halves = {name: _b64url(value.to_bytes(size, "big")) for name, value in (("x", numbers.x), ("y", numbers.y))}
    curve = {"secp256r1": "P-256", "secp384r1": "P-384"}[key.curve.name]
    now = int(datetime.now(UTC).timestamp())
    attributes = {"enabled": True, "created": now, "updated": now, "recoveryLevel": "Recoverable"}
    return {
        "key": {"kid": kid, "kty": "EC", "key_ops": ["sign", "verify"], "crv": curve, **halves},
        "attributes": attributes,
    }


def _es256(kid: str, key: ec.EllipticCurvePrivateKey, asked: dict[str, Any]) -> dict[str, Any]:
    assert asked["alg"] == "ES256"
    digest = urlsafe_b64decode(asked["value"] + "=" * (-len(asked["value"]) % 4))
    r, s = decode_dss_signature(key.sign(digest, _DIGEST))
    return {"kid": kid, "value": _b64url(r.to_bytes(32, "big") + s.to_bytes(32, "big"))}


def _b64url(content: bytes) -> str:
    return urlsafe_b64encode(content).decode().rstrip("=")


def _google(status: int, code: str, message: str) -> Answer:
    return status, {"error": {"code": status, "message": message, "status": code}}, {}


def _azure(status: int, code: str, message: str) -> Answer:
    return status, {"error": {"code": code, "message": message}}, {}


@contextmanager
def cloud_kms() -> Iterator[CloudKms]:
    """A service without keys, until the context ends."""
    running = CloudKms()
    with _served(running) as port:
        running.url = f"http://127.0.0.1:{port}"
        yield running


@contextmanager
def key_vault(folder: Path) -> Iterator[KeyVault]:
    """A vault without keys, until the context ends; its certificate is put into the folder."""
    running = KeyVault(certificate=folder / "vault.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(_certificate(running.certificate))
    with _served(running, context) as port:
        running.url = f"https://localhost:{port}"
        yield running


@contextmanager
def _served(running: CloudKms | KeyVault, context: ssl.SSLContext | None = None) -> Iterator[int]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self._answer()

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, said, headers = running.answer(self.command, self.path, self.headers, body)
            content = json.dumps(said).encode()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Type", "application/json; charset=utf-8")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

    with Server(("127.0.0.1", 0), Handler) as server:
        if context is not None:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join(5)


def _certificate(path: Path) -> Path:
    """A file with a key and a certificate of `localhost` by it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(private + certificate.public_bytes(Encoding.PEM))
    return path
