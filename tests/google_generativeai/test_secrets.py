"""Credentials of google-generativeai, wherever a program puts them: an error that repeats them shows none."""

from __future__ import annotations

import asyncio

import google.generativeai as genai
import pytest
from google.auth.credentials import Credentials

from tests.support import verdict
from tests.support.generativelanguage import Failure

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

KEY = "AIzaSy-0123456789-abcdefghijklmnopqrs"
OTHER = "AIzaSy-9876543210-zyxwvutsrqponmlkjih"
TOKEN = "ya29.c.0123456789-not-a-real-token"


class Account(Credentials):
    """Those of a service account: they have a token only after the first request has asked for one."""

    def refresh(self, request):
        self.token = TOKEN


WAYS = {
    "api_key": ({"api_key": KEY}, {}),
    "client_options": ({"client_options": {"api_key": KEY}}, {}),
    "environment": ({}, {}),
    "account": ({}, {}),
    "default_metadata": ({"api_key": OTHER, "default_metadata": [("x-goog-api-key", KEY)]}, {}),
    "metadata": ({"api_key": OTHER}, {"metadata": [("x-goog-api-key", KEY)]}),
    "authorization": ({"api_key": OTHER}, {"metadata": [("authorization", f"Bearer {TOKEN}")]}),
}


def configure(service, transport, arguments):
    rest = transport == "rest"
    options = {"api_endpoint": service.url if rest else service.address, **arguments.get("client_options", {})}
    genai.configure(**{**arguments, "client_options": options}, transport="rest" if rest else None)


@pytest.mark.parametrize("transport", ["grpc", "grpc_asyncio", "rest"])
@pytest.mark.parametrize("way", WAYS)
def test_no_credential_leaves(install, service, monkeypatch, way, transport):
    arguments, options = WAYS[way]
    if way == "environment":
        monkeypatch.setenv("GOOGLE_API_KEY", KEY)
    if way == "account":
        arguments = {"credentials": Account()}
    service.answer = lambda method, request: Failure("PERMISSION_DENIED", f"denied: {KEY} {OTHER} {TOKEN}")
    configure(service, transport, arguments)
    telemetry = install(CAPTURE="true", GENSPAN_DIALECTS="genai,mlflow")
    model = genai.GenerativeModel("gemini-1.5-flash")
    with pytest.raises(Exception, match="denied"):
        if transport == "grpc_asyncio":
            asyncio.run(model.generate_content_async("hello", request_options=options))
        else:
            model.generate_content("hello", request_options=options)
    (span,) = telemetry.spans
    assert verdict.failed(span) == "PERMISSION_DENIED"
    (_, _, values), exported = service.requests[0], telemetry.exported()
    sent = [secret for secret in (KEY, OTHER, TOKEN) if any(secret in value for value in values)]
    assert sent, values
    assert b"denied: " in exported
    assert [secret for secret in sent if secret.encode() in exported] == []
