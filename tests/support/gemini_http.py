"""HTTP options of google-genai clients in tests."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any


def one_user_agent() -> dict[str, Any]:
    """HTTP clients for the versions whose interactions send two ``User-Agent`` headers, which aiohttp refuses."""
    package = "google.genai._interactions"
    if find_spec(package) is None or find_spec(f"{package}._base_client") is None:
        return {}
    import httpx

    def merge(request: httpx.Request) -> None:
        request.headers["user-agent"] = request.headers["user-agent"]

    async def merge_async(request: httpx.Request) -> None:
        merge(request)

    return {
        "httpx_client": httpx.Client(event_hooks={"request": [merge]}),
        "httpx_async_client": httpx.AsyncClient(event_hooks={"request": [merge_async]}),
    }
