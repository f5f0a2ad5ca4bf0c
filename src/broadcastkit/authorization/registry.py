"""The rules of an application, and which of them decides about a channel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from broadcastkit.authorization.rules import Rule, make_rule
from broadcastkit.channels.base import Channel
from broadcastkit.core.names import SOCKET_ID, check_channel_name, check_socket_id, parse_channel_name
from broadcastkit.core.patterns import Pattern, overlap
from broadcastkit.errors import ConfigurationError, DeniedError

__all__ = ["ChannelRegistry"]

# Names are up to 164 characters: a few hundred kilobytes at most. Strangers fill it only with names that fit a rule.
_KNOWN_LIMIT = 1024
_is_socket_id = SOCKET_ID.fullmatch

CallbackT = TypeVar("CallbackT", bound=Callable[..., Any])


class ChannelRegistry:
    """The rules of an application; belongs to no driver, no framework and no colour.

        >>> channels = ChannelRegistry()
        >>> @channels.authorize("private-orders.{order_id}")
        ... def own_order(user, order_id: int) -> bool:
        ...     return order_id in user.order_ids

    The callback gets the user first, and by name any of: the pattern's placeholders, typed by the callback's own
    annotations (or by the channel class), and `channel`, the channel itself. It answers True, or for a presence
    channel a PresenceMember (or a mapping or pydantic model with an `id`, which the other members then see whole).
    Anything else denies. With `guest=True` it is asked for `user=None` too.
    """

    def __init__(self) -> None:
        self._rules: list[Rule] = []
        self._by_head: dict[str, tuple[Rule, ...]] = {}
        self._anywhere: tuple[Rule, ...] = ()
        self._known: dict[str, tuple[Rule, dict[str, Any]]] = {}
        self._sync_for: str | None = None

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules, in the order of registration."""
        return tuple(self._rules)

    def authorize(self, where: str | type[Channel], *, guest: bool = False) -> Callable[[CallbackT], CallbackT]:
        """Register the decorated callback for a channel class, or for a full pattern such as `private-orders.{id}`.

        Raises:
            ConfigurationError: the pattern is malformed or public, some name would fit another rule's too, or the
                callback takes a parameter that nothing fills, or is `async` where something sync uses the rules.
        """

        def register(callback: CallbackT) -> CallbackT:
            self._add(make_rule(where, callback, guest=guest))
            return callback

        return register

    def require_sync(self, by: str) -> None:
        """Refuse `async` callbacks, those of now and of later, on behalf of something that cannot await.

        Raises:
            ConfigurationError: it names the first; after this call, `authorize` raises it for each.
        """
        if self._sync_for is None:
            for rule in self._rules:
                _refuse_async(rule, by)
            self._sync_for = by

    def ask(self, socket_id: str, channel_name: str, user: object | None) -> tuple[Rule, dict[str, Any]]:
        """Find the rule for a subscription and what to ask it: `rule.callback(user, **arguments)`.

        Raises:
            InvalidSocketIdError, InvalidChannelError: malformed: answer 400.
            DeniedError: public, no rule, or no user: answer 403.
        """
        if type(socket_id) is not str or _is_socket_id(socket_id) is None:
            check_socket_id(socket_id)
        found = self._known.get(channel_name) if type(channel_name) is str else None
        if found is None:
            found = self._find(channel_name)
        if user is None and not found[0].guest:
            raise DeniedError(f"no user, and {found[0].name} does not admit guests")
        return found

    def _find(self, channel_name: str) -> tuple[Rule, dict[str, Any]]:
        """Find the rule by matching; kept, because clients ask for the same names each time they reconnect."""
        if type(channel_name) is not str:
            channel_name = check_channel_name(channel_name)
        # A match is a full match against a pattern of channel characters, so it validates the name as well.
        for rule in self._by_head.get(channel_name.partition(".")[0], self._anywhere):
            arguments = rule.arguments(channel_name)
            if arguments is not None:
                if len(self._known) >= _KNOWN_LIMIT:
                    self._known.clear()
                self._known[channel_name] = rule, arguments
                return rule, arguments
        kind = parse_channel_name(check_channel_name(channel_name)).kind
        raise DeniedError("no rule fits the name" if kind.guarded else "a public channel needs no authorization")

    def _add(self, rule: Rule) -> None:
        if self._sync_for is not None:
            _refuse_async(rule, self._sync_for)
        for other in self._rules:
            if overlap(rule.pattern, other.pattern):
                raise ConfigurationError(
                    f"{rule.name} for {rule.pattern.text!r} and {other.name} for {other.pattern.text!r} "
                    "would both decide about some channels; one rule for one channel"
                )
        self._rules.append(rule)
        heads = [(_head(rule.pattern), rule) for rule in self._rules]
        self._anywhere = tuple(rule for head, rule in heads if head is None)
        self._by_head = {
            known: tuple(rule for head, rule in heads if head in {known, None})
            for known, _ in heads
            if known is not None
        }


def _refuse_async(rule: Rule, by: str) -> None:
    if rule.is_async:
        raise ConfigurationError(f"{by} is sync and cannot await {rule.name} ({rule.pattern.text}); use def")


def _head(pattern: Pattern) -> str | None:
    """Return what every name of the pattern has before its first dot, or None if that is not one text."""
    first, dot, _ = pattern.template.partition(".")
    return first if "%" not in first and (dot or not pattern.fields) else None
