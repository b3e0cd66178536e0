"""Which values of a request are credentials, by where they stand alone."""

from __future__ import annotations

from base64 import b64encode

import httpx
import pytest

from genspan._core.emit.credentials import find, is_credential

TOKEN = "tk-9a8b7c6d5e4f3a2b"


def found(headers=None, url="", body=None):
    secrets = find(headers or {}, url, body or {})
    return {*secrets.anywhere, *secrets.named}


@pytest.mark.parametrize(
    "name",
    [
        *(
            "Authorization",
            "Proxy-Authorization",
            "x-api-key",
            "api-key",
            "X-Goog-Api-Key",
            "Ocp-Apim-Subscription-Key",
        ),
        *("Helicone-Auth", "x-portkey-virtual-key", "X-Amz-Security-Token", "X-Amz-Signature", "Cookie", "x-my-token"),
        *(
            "cf-access-client-secret",
            "apiKeyString",
            "authorization_token",
            "clientSecret",
            "access_token",
            "sig",
            "key",
        ),
        *("X-Honeycomb-Team", "credential", "http_password", "AUTHORIZATION", "x_functions_key", "id_token"),
    ],
)
def test_names_of_credentials(name):
    assert is_credential(name)


@pytest.mark.parametrize(
    "name",
    [
        *("Helicone-Property-Author", "Idempotency-Key", "anthropic-version", "x-stainless-retry-count", "User-Agent"),
        *(
            "prompt_cache_key",
            "max_tokens",
            "page_token",
            "nextPageToken",
            "continuation_token",
            "stop_token",
            "authors",
        ),
        *("x-ratelimit-remaining-tokens", "keyboard", "X-Monkey", "secretary", "tokenizer", "X-Auth-Method", "author"),
        *("OpenAI-Organization", "cf-access-client-id", "credential_id", "api_key_id", "", "-", "signature_version"),
    ],
)
def test_names_of_other_things(name):
    assert not is_credential(name)


@pytest.mark.parametrize("make", [dict, httpx.Headers, lambda headers: {k: v.encode() for k, v in headers.items()}])
def test_headers_without_their_scheme(make):
    headers = make({"Authorization": f"Bearer {TOKEN}", "accept": "application/json", "user-agent": "agent/1.0-12345"})
    assert found(headers) == {TOKEN}


def test_header_with_a_scheme_that_is_not_known():
    assert found({"Authorization": f"ApiKey {TOKEN}"}) == {TOKEN}
    assert TOKEN in found({"Authorization": f"AWS4-HMAC-SHA256 Credential=AKIA, Signature={TOKEN}"})


def test_basic_authentication_is_decoded():
    encoded = b64encode(b"someone:hunter2").decode()
    assert found({"Authorization": f"Basic {encoded}"}) >= {encoded, "someone:hunter2", "hunter2"}
    assert found({"Authorization": "Basic no-base64"}) == {"no-base64"}
    assert found({"Authorization": "Basic /////w=="}) >= {"/////w=="}, "what it means is no text"


def test_cookies_one_by_one():
    assert found({"Cookie": f"theme=dark; session={TOKEN}"}) >= {TOKEN}
    assert found({"cookie": f"session={TOKEN}"}) >= {TOKEN}


@pytest.mark.parametrize(
    "name", ["key", "api_key", "access_token", "sig", "X-Amz-Signature", "X-Goog-Signature", "subscription-key"]
)
@pytest.mark.parametrize("make", [str, httpx.URL])
def test_parameters_of_the_url(name, make):
    assert found(url=make(f"https://host/path?api-version=2024-10-21-preview&{name}={TOKEN}")) == {TOKEN}


@pytest.mark.parametrize("make", [str, httpx.URL])
def test_the_user_part_of_the_url(make):
    secrets = found(url=make("https://gateway-user:pass%2Fword%2123@host/v1"))
    assert secrets >= {"pass/word!23", "pass%2Fword%2123", "gateway-user:pass/word!23", "gateway-user"}
    assert b64encode(b"gateway-user:pass/word!23").decode() in secrets, "as a client sends it"


def test_urls_that_are_none():
    assert found(url="//[bad") == set()
    assert found(url=None) == set()
    assert found(body={"url": "http://[bad"}) == set()


BODIES = {
    "openai mcp authorization": {"tools": [{"type": "mcp", "server_label": "x", "authorization": TOKEN}]},
    "openai mcp headers": {"tools": [{"type": "mcp", "headers": {"Authorization": f"Bearer {TOKEN}"}}]},
    "openai mcp header of any name": {
        "tools": [{"type": "mcp", "headers": {"X-Acme": "9a8b7c6d5e4f3a2b1c0d-" + TOKEN}}]
    },
    "openai mcp query": {"tools": [{"type": "mcp", "server_url": f"https://mcp.example/sse?token={TOKEN}"}]},
    "openai mcp user": {"tools": [{"type": "mcp", "server_url": f"https://me:{TOKEN}@mcp.example/sse"}]},
    "openai mcp path": {"tools": [{"type": "mcp", "server_url": f"https://mcp.example/s/a1b2c3d4-{TOKEN}/mcp"}]},
    "openai container": {
        "tools": [{"container": {"network_policy": {"domain_secrets": [{"name": "A", "value": TOKEN}]}}}]
    },
    "openai tool search": {
        "input": [{"type": "tool_search_output", "tools": [{"type": "mcp", "authorization": TOKEN}]}]
    },
    "openai realtime": {"type": "response.create", "response": {"tools": [{"type": "mcp", "authorization": TOKEN}]}},
    "anthropic": {"mcp_servers": [{"type": "url", "url": "https://m.example", "authorization_token": TOKEN}]},
    "anthropic batch": {"requests": [{"params": {"mcp_servers": [{"authorization_token": TOKEN}]}}]},
    "gemini": {"tools": [{"mcpServers": [{"streamableHttpTransport": {"headers": {"X-Api-Key": TOKEN}}}]}]},
    "gemini interactions": {
        "tools": [{"type": "mcp_server", "url": "https://m.example", "headers": {"x-api-key": TOKEN}}]
    },
    "gemini maps": {"tools": [{"googleMaps": {"authConfig": {"apiKeyConfig": {"apiKeyString": TOKEN}}}}]},
    "gemini oauth": {"tools": [{"retrieval": {"authConfig": {"oauthConfig": {"accessToken": TOKEN}}}}]},
    "name and value": {"env": [{"name": "GITHUB_TOKEN", "value": TOKEN}]},
    "anywhere": {"a": {"b": [{"c": [[{"api_key": TOKEN}]]}]}},
    "a list": {"secret": [TOKEN]},
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_fields_of_the_body(body):
    assert any(TOKEN in secret for secret in found(body=body))
    assert found(body=body) <= {
        TOKEN,
        *(s for s in found(body=body) if TOKEN in s or ":" in s or s == "me" or len(s) > 24),
    }


@pytest.mark.parametrize(
    "body",
    [
        {"messages": [{"role": "user", "content": "x", "token": TOKEN}]},
        {"tools": [{"type": "function", "function": {"parameters": {"default": {"api_key": TOKEN}}}}]},
        {"tools": [{"name": "f", "input_schema": {"properties": {"password": TOKEN}}}]},
        {"metadata": {"author": TOKEN, "key": TOKEN}, "prompt_cache_key": TOKEN},
        {"tools": [{"type": "file_search", "filters": {"type": "eq", "key": "region", "value": TOKEN}}]},
        {"tools": [{"type": "mcp", "headers": {"X-Workspace-Id": "9a8b7c6d5e4f3a2b1c0d", "X-Team": "blue"}}]},
        {"model": TOKEN, "stop": [TOKEN], "max_tokens": 5, 7: TOKEN},
    ],
)
def test_what_stands_elsewhere_is_no_credential(body):
    assert found(body=body) == set()


def test_a_body_that_never_ends():
    body: dict[str, object] = {"token": TOKEN}
    body["more"] = [body]
    assert found(body=body) == {TOKEN}


def test_nothing_is_kept():
    """What is cached are names; values are looked at anew in each call."""
    from genspan._core.emit import credentials

    found({"Authorization": f"Bearer {TOKEN}"}, f"https://h/?key={TOKEN}", {"api_key": TOKEN})
    caches = [one for one in vars(credentials).values() if hasattr(one, "cache_parameters")]
    assert all(one.cache_parameters()["maxsize"] is not None for one in caches)
    assert {one.__name__ for one in caches} == {"_positions", "is_credential"}
