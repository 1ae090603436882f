"""Harbour, the shop: python app/harbour.py, then http://127.0.0.1:8000/?customer=amira&country=NL&basket_cents=6400"""

import os
from datetime import UTC, datetime
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

from flags import Flags, Visitor
from shop import KEYS, Page, decide

FLAGS = Flags(
    url=os.environ.get("FLAGS_URL", "http://127.0.0.1:8080"),
    environment=os.environ.get("FLAGS_ENVIRONMENT", "staging"),
    token=os.environ.get("FLAGS_TOKEN", ""),
)


def visitor_of(query: str, now: datetime) -> Visitor:
    """The visitor that a query string describes. A real shop would ask its session instead."""
    properties = dict(parse_qsl(query))
    customer = properties.pop("customer", "")
    properties.setdefault("channel", "web")
    properties["signed_in"] = "true" if customer else "false"
    properties["now"] = now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return Visitor(customer or "anonymous", properties)


def html_of(visitor: Visitor, page: Page) -> str:
    """The page as HTML."""
    rows = (
        ("Checkout", page.checkout),
        ("Button", page.button),
        ("Payments", ", ".join(page.payments)),
        ("Delivery", page.delivery),
        ("Prices", page.prices),
        *(("Also", extra) for extra in page.extras),
    )
    table = "".join(f"<tr><th>{escape(name)}</th><td>{escape(text)}</td></tr>" for name, text in rows)
    return (
        "<!doctype html><meta charset=utf-8><title>Harbour</title><h1>Harbour</h1>"
        f"<p>Ahoy, {escape(visitor.id)}.</p><table>{table}</table>"
    )


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        address = urlsplit(self.path)
        if address.path == "/healthz":
            self._send(200, "ok")
        elif address.path == "/":
            visitor = visitor_of(address.query, datetime.now(UTC))
            self._send(200, html_of(visitor, decide(FLAGS.evaluate(KEYS, visitor))))
        else:
            self._send(404, "no such page")

    def _send(self, status: int, text: str) -> None:
        content = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def main() -> None:
    host, port = os.environ.get("HOST", "127.0.0.1"), int(os.environ.get("PORT", "8000"))
    print(f"harbour: http://{host}:{port}/ with the flags of {FLAGS.environment} from {FLAGS.url}")
    ThreadingHTTPServer((host, port), Handler).serve_forever()


if __name__ == "__main__":
    main()
