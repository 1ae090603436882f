"""The OpenFeature provider: the client behind OpenFeature's interface.

from burgee.client.openfeature import BurgeeProvider
from openfeature import api

api.set_provider(BurgeeProvider("https://flags.example.org", environment="production"))

It needs openfeature-sdk, as nothing else of the read side does, so `burgee.client` never imports it. What becomes of
which flag is told in docs/openfeature.md. Sources: OpenFeature specification 2 (providers) and 5 (events).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from inspect import signature
from threading import Lock
from time import monotonic
from typing import Any, NamedTuple, TypeVar, cast

try:
    from openfeature.evaluation_context import EvaluationContext
    from openfeature.event import ProviderEvent, ProviderEventDetails
    from openfeature.exception import ErrorCode, ProviderFatalError, ProviderNotReadyError
    from openfeature.flag_evaluation import FlagResolutionDetails, FlagValueType, Reason
    from openfeature.provider import AbstractProvider, Metadata
    from openfeature.track import TrackingEventDetails
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        "the OpenFeature provider needs openfeature-sdk: install burgee with the extra `openfeature`"
    ) from error

from ..core.context import NOBODY
from ..core.errors import (
    BurgeeError,
    ConfigurationError,
    ContentError,
    FlagNotFound,
    InvalidContext,
    NamespaceNotFound,
    NotReady,
    TargetingKeyMissing,
    UnknownConstraintType,
    WrongFlagType,
)
from ..core.model import BooleanResult, VariantResult
from ..fetch.live import Status
from . import values
from .client import Client
from .flags import Flags
from .hooks import Change, log_fault
from .outcome import metadata_of, reason_of, variant_of

__all__ = ["BurgeeProvider"]

Value = TypeVar("Value")
Structure = Sequence[FlagValueType] | Mapping[str, FlagValueType]
OnTrack = Callable[[str, EvaluationContext | None, TrackingEventDetails | None], object]

# What constraints know the targeting key as, in Flipt and over the remote protocol too.
TARGETING_KEY = "targetingKey"
READY, STALE, ERROR = ProviderEvent.PROVIDER_READY, ProviderEvent.PROVIDER_STALE, ProviderEvent.PROVIDER_ERROR

# The SDK tells of the end of `initialize` after it, so for a moment its event may come after a later one of ours.
_SETTLING_SECONDS = 1.0
# Past this many outcomes all are forgotten, and described again when they come up.
_MOST_KEPT = 16_384
_METADATA = Metadata(name="burgee")

_CODES: tuple[tuple[type[BurgeeError], ErrorCode], ...] = (
    (FlagNotFound, ErrorCode.FLAG_NOT_FOUND),
    (NamespaceNotFound, ErrorCode.FLAG_NOT_FOUND),
    (WrongFlagType, ErrorCode.TYPE_MISMATCH),
    (TargetingKeyMissing, ErrorCode.TARGETING_KEY_MISSING),
    (InvalidContext, ErrorCode.INVALID_CONTEXT),
    (NotReady, ErrorCode.PROVIDER_NOT_READY),
    (UnknownConstraintType, ErrorCode.PARSE_ERROR),
    (ContentError, ErrorCode.PARSE_ERROR),
    (BurgeeError, ErrorCode.GENERAL),
)


class _Described(NamedTuple):
    """What is said of an outcome, which is held so that no other object can come to have its identity."""

    outcome: BooleanResult | VariantResult
    reason: Reason
    variant: str | None
    metadata: Mapping[str, str | int | float | bool]


def _not_ready(*_: object) -> Any:
    raise NotReady("the provider is not initialized")


class BurgeeProvider(AbstractProvider):
    """Flags of one namespace of an environment. Safe among threads, after a fork, and on event loops."""

    _boolean: Callable[[str, str, Mapping[str, Any]], BooleanResult] = staticmethod(_not_ready)
    _variant: Callable[[str, str, Mapping[str, Any]], VariantResult] = staticmethod(_not_ready)

    def __init__(
        self,
        client: Client | str,
        *fallbacks: str,
        namespace: str | None = None,
        start_timeout: float = 5.0,
        on_track: OnTrack | None = None,
        **options: Any,
    ) -> None:
        """A client, which stays its owner's to close; or the URL of a store, then URLs to fall back on, and Client's
        options, of which `environment` is needed and `refresh` is "background" unless given.

        `namespace` is another one than the client's own. `initialize` waits for at most `start_timeout` seconds.
        `on_track(event name, context, details)` gets what the application tracks.
        """
        super().__init__()
        if isinstance(client, Client):
            if fallbacks or options:
                raise TypeError("a client brings its own URLs and options")
            self._open: Callable[[], Client] = partial(_waited_for, client, start_timeout)
        else:
            options = {"refresh": "background", "start_timeout": start_timeout, **options}
            # A misspelt option is told here, and not by a thread of the SDK.
            signature(Client).bind(client, *fallbacks, **options)
            self._open = partial(Client, client, *fallbacks, **options)
        self._owns = not isinstance(client, Client)
        self._wanted_namespace = namespace
        self._on_track = on_track
        self._client: Client | None = None
        self._flags: Flags | None = None
        self._place = ("", "")
        self._described: dict[int, _Described] = {}
        self._unwatch: Callable[[], None] | None = None
        self._turn: object = None
        self._state = Lock()
        self._telling = False
        self._told: ProviderEvent | None = None
        self._settled = 0.0

    def get_metadata(self) -> Metadata:
        """The provider's name."""
        return _METADATA

    def initialize(self, evaluation_context: EvaluationContext) -> None:
        """Return when flags can be evaluated.

        Raises ProviderNotReadyError for a store that does not answer, which is looked at again and told as READY when
        it does; ProviderFatalError for a configuration that cannot work.
        """
        self.shutdown()
        turn = self._turn = object()
        try:
            client = self._open()
        except ConfigurationError as error:
            raise ProviderFatalError(str(error)) from error
        if not self._begin(client, turn):
            if self._owns:
                client.close()
            raise ProviderNotReadyError("the provider was shut down while it looked at the store")
        if self._told is ERROR:
            fault = client.status().last_error
            raise ProviderNotReadyError(fault or "the store has not answered yet; it is looked at again")

    def shutdown(self) -> None:
        """Be as before `initialize`; a client that was opened here is closed."""
        with self._state:
            client, unwatch = self._client, self._unwatch
            self._turn = self._client = self._flags = self._unwatch = None
            self._telling = False
            self._boolean = self._variant = _not_ready
            self._described = {}
        if unwatch is not None:
            unwatch()
        if client is not None and self._owns:
            client.close()

    def track(
        self,
        tracking_event_name: str,
        evaluation_context: EvaluationContext | None = None,
        tracking_event_details: TrackingEventDetails | None = None,
    ) -> None:
        """Hand over what the application tracks; burgee has nowhere to keep it."""
        if self._on_track is None:
            return
        try:
            self._on_track(tracking_event_name, evaluation_context, tracking_event_details)
        except Exception:
            log_fault("on_track")

    # The asynchronous methods are AbstractProvider's, which call these: an evaluation never waits.

    def resolve_boolean_details(
        self, flag_key: str, default_value: bool, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[bool]:
        """A boolean flag's value."""
        asking = evaluation_context
        try:
            if asking is not None and (entity := asking.targeting_key):
                result = self._boolean(flag_key, entity, {**asking.attributes, TARGETING_KEY: entity})
            else:
                result = self._boolean(flag_key, *_anonymous(asking))
        except BurgeeError as error:
            if dated := _dated(asking, error):
                return self.resolve_boolean_details(flag_key, default_value, dated)
            return _failure(default_value, flag_key, error, "a boolean")
        _, reason, variant, metadata = self._described.get(id(result)) or self._describe(result)
        return FlagResolutionDetails(result.enabled, None, None, reason, variant, metadata)

    def resolve_string_details(
        self, flag_key: str, default_value: str, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[str]:
        """The key of a variant flag's variant."""
        return self._variant_details(flag_key, default_value, evaluation_context, values.text, "a string")

    def resolve_integer_details(
        self, flag_key: str, default_value: int, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[int]:
        """The integer that a variant's attachment is, or its key."""
        return self._variant_details(flag_key, default_value, evaluation_context, values.integer, "an integer")

    def resolve_float_details(
        self, flag_key: str, default_value: float, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[float]:
        """The number that a variant's attachment is, or its key."""
        return self._variant_details(flag_key, default_value, evaluation_context, values.number, "a number")

    def resolve_object_details(
        self, flag_key: str, default_value: Structure, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[Structure]:
        """The object or list that a variant's attachment is; the caller's own, to change as it likes."""
        return self._variant_details(flag_key, default_value, evaluation_context, values.structure, "an object")

    def _variant_details(
        self,
        flag_key: str,
        default_value: Value,
        asking: EvaluationContext | None,
        read: Callable[[VariantResult], Value | None],
        wanted: str,
    ) -> FlagResolutionDetails[Value]:
        try:
            if asking is not None and (entity := asking.targeting_key):
                result = self._variant(flag_key, entity, {**asking.attributes, TARGETING_KEY: entity})
            else:
                result = self._variant(flag_key, *_anonymous(asking))
        except BurgeeError as error:
            if dated := _dated(asking, error):
                return self._variant_details(flag_key, default_value, dated, read, wanted)
            return _failure(default_value, flag_key, error, wanted)
        _, reason, variant, metadata = self._described.get(id(result)) or self._describe(result)
        if variant is None:
            return FlagResolutionDetails(default_value, None, None, reason, None, metadata)
        value = read(result)
        if value is None:
            message = f"wanted {wanted}, variant {variant!r} of flag {flag_key!r} has none in its attachment or key"
            return FlagResolutionDetails(default_value, ErrorCode.TYPE_MISMATCH, message, Reason.ERROR)
        return FlagResolutionDetails(value, None, None, reason, variant, metadata)

    def _begin(self, client: Client, turn: object) -> bool:
        """Answer from a client and tell of it, unless this turn is over."""
        with self._state:
            if self._turn is not turn:
                return False
            self._client = client
            self._unwatch = client.watch(on_change=self._tell_change, on_status=self._tell_status)
            self._flags = flags = client if self._wanted_namespace is None else client.namespace(self._wanted_namespace)
            self._place = (client.status().environment, flags.namespace_key)
            self._boolean, self._variant = flags.boolean, flags.variant
            self._told = READY if client.ready else ERROR
            self._settled = monotonic() + _SETTLING_SECONDS
            self._telling = True
        return True

    def _describe(self, result: BooleanResult | VariantResult) -> _Described:
        # None in the moment in which another release takes over: then less is said, and nothing kept.
        flag = None if self._flags is None else self._flags.definition(result)
        reason = Reason.STALE if result.stale else Reason(reason_of(result, flag))
        described = _Described(result, reason, variant_of(result), metadata_of(result, flag, *self._place))
        if flag is not None:
            if len(self._described) >= _MOST_KEPT:
                self._described = {}
            self._described[id(result)] = described
        return described

    def _tell_status(self, status: Status) -> None:
        """READY and STALE, where that is news; ERROR is for `initialize` to raise."""
        event = STALE if status.stale else READY
        with self._state:
            if not self._telling or status.revision is None or event is self._told:
                return
            # What may have been overtaken is told once more after the next look.
            self._told = event if monotonic() >= self._settled else None
        message = status.last_error or "the store was not looked at for too long" if event is STALE else None
        self._send(event, ProviderEventDetails(message=message))

    def _tell_change(self, change: Change) -> None:
        self._described = {}
        changed = change.flags.get(self._place[1])
        # The first release is no change: what it brings is READY.
        if self._telling and changed and change.before is not None:
            metadata = {"environment": change.environment, "revision": change.after, "digest": change.digest}
            details = ProviderEventDetails(flags_changed=list(changed), metadata=metadata)
            self._send(ProviderEvent.PROVIDER_CONFIGURATION_CHANGED, details)

    def _send(self, event: ProviderEvent, details: ProviderEventDetails) -> None:
        # The SDK runs handlers in threads, of which there are no more once the interpreter ends.
        with suppress(RuntimeError):
            self.emit(event, details)


def _waited_for(client: Client, seconds: float) -> Client:
    if not client.ready:
        # What went wrong is the client's status.
        with suppress(BurgeeError):
            client.wait_until_ready(seconds)
    return client


def _anonymous(asking: EvaluationContext | None) -> tuple[str, Mapping[str, Any]]:
    """Who asks without a targeting key, and the context; one made for another SDK may have it among the attributes."""
    if asking is None:
        return NOBODY, {}
    return cast("str", asking.attributes.get(TARGETING_KEY)) or NOBODY, asking.attributes


def _dated(asking: EvaluationContext | None, error: BurgeeError) -> EvaluationContext | None:
    """The context with dates as texts, where there are any and they may be what was wrong."""
    if asking is None or not isinstance(error, InvalidContext):
        return None
    dated = values.with_dates(asking.attributes)
    return None if dated is None else EvaluationContext(asking.targeting_key, dated)


def _failure(default: Value, flag_key: str, error: BurgeeError, wanted: str) -> FlagResolutionDetails[Value]:
    code = next(code for kind, code in _CODES if isinstance(error, kind))
    message = str(error)
    if code is ErrorCode.TYPE_MISMATCH:
        message = f"wanted {wanted}, flag {flag_key!r} is a {'variant' if wanted == 'a boolean' else 'boolean'} flag"
    return FlagResolutionDetails(default, code, message, Reason.ERROR)
