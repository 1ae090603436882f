"""What a reader that was given public keys believes: signed heads of signed releases, as long as they hold.

Law: nothing that somebody without a key wrote is decoded as a head or a release; a message comes before its meaning.
"""

from __future__ import annotations

from ..bundle import keys
from ..bundle.digest import digest_of
from ..bundle.head import decode_head
from ..bundle.index import Index, Listed
from ..bundle.release import decode_release
from ..bundle.signed import good_signatures, read_public_key, release_message, split_head
from ..core.errors import ConfigurationError, Denied, NotFound, Untrusted
from ..core.instant import format_instant

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ..bundle.head import Entry, Head
    from .port import Fetcher

# Somebody may wait for the look: so many releases are read to see that a newer head continues the log.
LONGEST_WALK = 20
_RELEASE_BYTES = 1024 * 1024


class Verifier:
    """Checks heads and releases; it keeps nothing but its keys, so that threads may share it."""

    __slots__ = ("_keys", "_now", "_repository")

    def __init__(self, texts: Iterable[str], *, now: Callable[[], int], repository: str | None = None) -> None:
        """`texts` are public keys as `burgee key show` prints them; `now()` is in milliseconds since the epoch.

        With a `repository` every release has to be of it. Raises ConfigurationError for what is no key, for none at
        all, and when `cryptography` is not installed.
        """
        if isinstance(texts, str):
            raise ConfigurationError("public keys are given as a list of texts, got one text")
        self._keys = tuple(map(read_public_key, texts))
        if not self._keys:
            raise ConfigurationError("wanted at least one public key to verify by, got none")
        self._now = now
        self._repository = repository

    def decode(self, content: bytes) -> Head:
        """The head that the bytes are; of its signatures the good ones. Raises Untrusted, and as `decode_head`."""
        head = self.decode_kept(content)
        if head.expires_at is None:
            raise Untrusted(f"head of {head.environment!r} is signed without an end; sign it with this version")
        now = self._now()
        if head.expires_at <= now:
            raise Untrusted(
                f"head of {head.environment!r} (revision {head.revision}) has expired at "
                f"{format_instant(head.expires_at)}, and it is {format_instant(now)}: either nobody signs it anew, or "
                "somebody keeps the newer ones back"
            )
        return head

    def decode_kept(self, content: bytes) -> Head:
        """As `decode`, of a head that may have expired since it was kept."""
        message, unsigned, listed = split_head(content)
        good = good_signatures(self._keys, message, listed)
        if not good:
            raise Untrusted(f"the head is not signed by {self._wanted()}")
        head: Head = decode_head(unsigned)
        for entry in head.releases:
            self.check(entry)
        return head._replace(signatures=tuple(good))

    def check(self, entry: Entry) -> str:
        """The id of the key that signed a release. Raises Untrusted when none of ours did, or it is of elsewhere."""
        release = entry.release
        what = f"release {release.revision} of {release.environment!r}"
        good = good_signatures(self._keys, release_message(entry), entry.signatures)
        if not good:
            raise Untrusted(f"{what} is not signed by {self._wanted()}")
        if self._repository is not None and release.source.repository != self._repository:
            raise Untrusted(f"{what} is of repository {release.source.repository!r}, wanted {self._repository!r}")
        return str(good[0]["key"])

    def follow(self, fetcher: Fetcher, before: Head, head: Head) -> None:
        """Raises Untrusted when the log between what was seen last and a newer head shows that it is another one.

        As far as the log can be had: a registry and many public places have no releases by number, and after more
        than LONGEST_WALK of them the signatures alone have to do.
        """
        newer = [entry.release for entry in head.releases if entry.release.revision > before.revision]
        if not newer or newer[0].revision - before.revision > LONGEST_WALK:
            return
        wanted = newer[0].previous
        for revision in range(newer[0].revision - 1, before.revision, -1):
            try:
                content = fetcher.get(keys.release(head.environment, revision), max_bytes=_RELEASE_BYTES).content
            except (NotFound, Denied):
                return
            if digest_of(content) != wanted:
                raise Untrusted(f"release {revision} in the log of {head.environment!r} is not the one that follows")
            wanted = decode_release(content).previous
        if wanted != before.last.digest:
            raise Untrusted(
                f"head of {head.environment!r} at revision {head.revision} continues another log than the one whose "
                f"revision {before.revision} is served"
            )

    def index(self, index: Index, answering: Iterable[str]) -> Index:
        """What is believed of an index, which nobody signs: that there are environments beside the `answering` ones.

        It takes none of those away, which would be forgotten then and could come back older; and it does not say which
        one answers those who name none.
        """
        listed = {name: Listed("", False) for name in answering} | index.environments
        return Index(index.repository, {name: Listed(ref, False) for name, (ref, _) in listed.items()})

    def _wanted(self) -> str:
        ids = ", ".join(key.id for key in self._keys)
        return f"the key {ids}" if len(self._keys) == 1 else f"one of the keys {ids}"
