"""The fixtures of all tests, for google-genai."""

from __future__ import annotations

import asyncio

import pytest
from google import genai

from tests.support import surfaces


@pytest.fixture
def client(provider):
    made = surfaces.make_client(provider.url)
    yield made
    made.close()


@pytest.fixture
def live(tmp_path, monkeypatch):
    """`live(script, program, backend)`: the program on a client of a service that follows the script."""

    pytest.importorskip("cryptography", reason="google-auth of this version brings no cryptography")
    from tests.support.live_service import LiveService

    def run(script, program, backend="gemini", refuse=0):
        if backend != "gemini" and genai.__version__ == "1.10.0":
            pytest.skip("this version of google-genai asks the machine for credentials")
        with LiveService(script, tmp_path, refuse) as service:
            monkeypatch.setenv("SSL_CERT_FILE", service.trusted)
            client = surfaces.make_client(service.url, backend)
            service.result = asyncio.run(asyncio.wait_for(program(client), 30))
            client.close()
        return service

    return run
