"""Azure's Shared Key: what a request says of itself, and a proof by the account's key ("Authorize with Shared Key").

Law: pure; the instant is an argument and nothing is looked up.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

# Those that are signed by their values alone, in their order; a reader sends the two that have a name here.
_SIGNED = ("", "", "", "", "", "", "If-Modified-Since", "", "If-None-Match", "", "")


def signed(url: str, headers: Mapping[str, str], *, account: str, key: str, instant: int) -> dict[str, str]:
    """The headers of a GET without a query: `headers`, the time and the proof.

    `url` is the one that is asked for, its path encoded as it is sent; `key` is base64.
    """
    from base64 import b64decode, b64encode
    from hmac import digest
    from time import gmtime, strftime
    from urllib.parse import urlsplit

    dated = {**headers, "x-ms-date": strftime("%a, %d %b %Y %H:%M:%S GMT", gmtime(instant // 1000))}
    named = sorted((name.lower(), value) for name, value in dated.items() if name.lower().startswith("x-ms-"))
    lines = (
        "GET",
        *(dated.get(name, "") for name in _SIGNED),
        *(f"{name}:{value}" for name, value in named),
        f"/{account}{urlsplit(url).path}",
    )
    proof = b64encode(digest(b64decode(key), "\n".join(lines).encode(), "sha256")).decode()
    return dated | {"Authorization": f"SharedKey {account}:{proof}"}
