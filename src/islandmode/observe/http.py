"""HTTP on the vantage beside the conductor, through httpx2: freshness is judged, not only the status."""

from __future__ import annotations

from typing import Any

import httpx2

from islandmode.observe.looks import Bad, Fresh, Unknown, Value, judge_json


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
        try:
            answer = await self._client.get(self._url)
        except httpx2.TimeoutException:
            raise Bad("no answer in time") from None
        except httpx2.TransportError as error:
            raise Bad(f"not reached ({type(error).__name__})") from None
        except httpx2.HTTPError as error:
            raise Unknown(f"the request could not be made ({type(error).__name__})") from None
        return judge_json(self._probe, self._fresh, answer.status_code, answer.content)
