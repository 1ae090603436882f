"""Requests of Azure Functions and of Flask as requests of burgee, and its responses as theirs."""

from __future__ import annotations

import json

import azure.functions as func
import pytest
from flask import Flask
from werkzeug.test import EnvironBuilder, run_wsgi_app
from werkzeug.wrappers import Request as Asked

from burgee.serve import azure_http, flask_http
from burgee.serve.lines import count, info, warning
from burgee.serve.message import Request, Response

PAIRS = (("content-type", "application/json"), ("vary", "origin"), ("vary", "accept-encoding"))


def an_azure_request(method: str = "GET", target: str = "/healthz", body: bytes = b"") -> func.HttpRequest:
    headers = {"Content-Type": "application/json", "X-Flipt-Environment": "staging"}
    return func.HttpRequest(method, f"https://acme.azurewebsites.net{target}", headers=headers, body=body)


def a_flask_request(method: str = "GET", target: str = "/healthz", body: bytes = b"") -> Asked:
    headers = [("Content-Type", "application/json"), ("X-Flipt-Environment", "staging")]
    path, _, query = target.partition("?")
    return Asked(EnvironBuilder(path, query_string=query, method=method, headers=headers, data=body).get_environ())


@pytest.mark.parametrize(
    "request_of",
    [
        lambda *given: azure_http.request_of(an_azure_request(*given)),
        lambda *given: flask_http.request_of(a_flask_request(*given)),
    ],
    ids=["azure", "flask"],
)
def test_method_path_query_headers_and_body_are_those_that_were_sent(request_of: object) -> None:
    assert callable(request_of)
    request = request_of("POST", "/a%2Fb/%C3%BC+%25?x=%20&y=a?b", b"\x00\xff")
    assert isinstance(request, Request)
    assert (request.method, request.path, request.query) == ("POST", "/a/b/ü+%", "x=%20&y=a?b")
    assert (request.headers["content-type"], request.headers["x-flipt-environment"]) == ("application/json", "staging")
    assert request.body == b"\x00\xff"
    assert request_of("GET", "/").path == "/"


def test_an_address_without_a_path_is_the_root() -> None:
    asked = func.HttpRequest("GET", "https://acme.azurewebsites.net", body=b"")
    assert azure_http.request_of(asked).path == "/"
    asked = func.HttpRequest("GET", "https://acme.azurewebsites.net?pretty", body=b"")
    assert azure_http.request_of(asked)[1:3] == ("/", "pretty")


def test_azure_gets_status_headers_of_each_name_once_and_the_body() -> None:
    response = Response(418, PAIRS, b"{}")
    made = azure_http.answer(lambda request: response, an_azure_request(), func.HttpResponse)
    assert (made.status_code, made.get_body()) == (418, b"{}")
    assert dict(made.headers) == {"content-type": "application/json", "vary": "origin, accept-encoding"}


def test_flask_gets_body_status_and_headers() -> None:
    response = Response(418, PAIRS, iter([b"{", b"}"]))
    assert flask_http.answer(lambda request: response, a_flask_request()) == (b"{}", 418, list(PAIRS))


def test_a_304_of_azure_names_what_caches_hold_and_not_plain_text() -> None:
    made = azure_http.answer(lambda request: Response(304, (("etag", '"1"'),)), an_azure_request(), func.HttpResponse)
    assert dict(made.headers) == {"etag": '"1"', "content-type": "application/json"}


@pytest.mark.parametrize("path", ["//evaluate/v1/boolean", "/ofrep/v1/evaluate/flags/a//b", "/plain"])
def test_a_flask_app_takes_paths_with_slashes_as_they_come(path: str) -> None:
    app = Flask("slashes")
    flask_http.keep_slashes(app)
    app.add_url_rule("/<path:path>", "run", lambda path: f"/{path}")
    body, status, _ = run_wsgi_app(app.wsgi_app, {**EnvironBuilder().get_environ(), "PATH_INFO": path})
    assert (status, b"".join(body).decode()) == ("200 OK", "/" + path.lstrip("/"))


def test_lines_of_the_log_are_one_json_object_each() -> None:
    assert json.loads(info("job done", {"ref": "main", "odd": {1}})) == {
        "severity": "INFO",
        "message": "job done",
        "burgee": {"ref": "main", "odd": "{1}"},
    }
    assert json.loads(warning("burgee: stale: a\nb")) == {"severity": "WARNING", "message": "burgee: stale: a\nb"}
    assert "\n" not in warning("a\nb")
    assert json.loads(count("Published")) == {"severity": "INFO", "message": "count", "metric": "Published"}
