"""HTTP on the vantage beside the conductor, through httpx2: freshness is judged, not only the status."""

from __future__ import annotations

import os
from typing import Any

import httpx2

from islandmode.observe.looks import OWN_TROUBLE, Bad, Fresh, Unknown, Value, fits, judge_json


class HttpLook:
    """Fetches over a fresh connection each time."""

    overlaps = True

    def __init__(self, probe: dict[str, Any]) -> None:
        """Know the target."""
        self._probe = probe
        self._fresh = Fresh(probe.get("changes_within"))
        host = f"[{probe['target']}]" if ":" in probe["target"] else probe["target"]
        self._url = f"http://{host}:{probe['port']}{probe.get('path', '/')}"
        # The environment's proxy would look from somewhere else; a kept connection would not be fresh.
        limits = httpx2.Limits(max_keepalive_connections=0)
        headers = {"Cache-Control": "no-cache", "Accept": "application/json"}
        self._client = httpx2.AsyncClient(
            trust_env=False, limits=limits, headers=headers, timeout=probe.get("timeout", 0.8)
        )

    async def __call__(self) -> Value:
        """Fetch and judge."""
        body = b""
        try:
            async with self._client.stream("GET", self._url) as answer:
                async for part in answer.aiter_bytes():
                    fits(len(body) + len(part))
                    body += part
        except httpx2.TimeoutException:
            raise Bad("no answer in time") from None
        except httpx2.TransportError as error:
            number = _errno(error)
            if number in OWN_TROUBLE:
                raise OSError(number, os.strerror(number)) from None
            raise Bad(f"not reached ({type(error).__name__})") from None
        except httpx2.HTTPError as error:
            raise Unknown(f"the request could not be made ({type(error).__name__})") from None
        return judge_json(self._probe, self._fresh, answer.status_code, body)


def _errno(error: BaseException) -> int:
    """Find the system's own error number below a library's error; 0 when there is none."""
    below: BaseException | None = error
    while below is not None:
        if isinstance(below, OSError) and below.errno:
            return below.errno
        below = below.__cause__ or below.__context__
    return 0
