"""The question that an assertion about a rule asks, and what it makes of the answer."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, NamedTuple

from broadcastkit import default
from broadcastkit.authorization import ChannelRegistry, PresenceMember, Rule
from broadcastkit.authorization.members import member_from
from broadcastkit.channels.base import Channel
from broadcastkit.core.names import ChannelKind, check_channel_name, parse_channel_name
from broadcastkit.drivers.base import NO_SOCKET_ID
from broadcastkit.errors import ConfigurationError, DeniedError, InvalidInputError
from broadcastkit.testing.near_misses import near_misses
from broadcastkit.testing.payloads import shortened

__all__ = ["Question", "Verdict"]


class Verdict(NamedTuple):
    """What an answer comes to, and why, in lines for a failure."""

    yes: bool
    why: list[str]
    member: PresenceMember | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """May this user listen to this channel? With the rule that decides, unless there is none."""

    name: str
    user: object | None
    rules: tuple[Rule, ...]
    rule: Rule | None
    arguments: dict[str, Any]
    refusal: DeniedError | None
    """Why the rule is not even asked."""

    @classmethod
    def of(
        cls,
        channel: Channel | str,
        user: object | None,
        channels: ChannelRegistry | None,
        *,
        asynchronous: bool = False,
    ) -> Question:
        """Find the rule, among those of the configured broadcaster if no registry is given.

        Raises:
            InvalidChannelError: there can be no such name.
            ConfigurationError: there are no rules.
        """
        name = channel.name if isinstance(channel, Channel) else check_channel_name(channel)
        registry = default.configured_channels(asynchronous=asynchronous) if channels is None else channels
        if registry is None or not registry.rules:
            raise ConfigurationError("there are no rules to test: pass channels=, or configure(…, channels=…) first")
        rule = next((rule for rule in registry.rules if rule.pattern.match(name) is not None), None)
        arguments: dict[str, Any] = {}
        refusal = None
        if rule is not None:
            try:
                _, arguments = registry.ask(NO_SOCKET_ID, name, user)
            except DeniedError as error:
                refusal = error
        return cls(name, user, registry.rules, rule, arguments, refusal)

    @property
    def to_ask(self) -> Rule | None:
        """The rule, if it is asked at all."""
        return self.rule if self.refusal is None else None

    def check_yes(self, answer: object) -> PresenceMember | None:
        """Return the member of a presence channel; AssertionError says why the answer was no."""
        __tracebackhide__ = True
        verdict = self._verdict(answer)
        if not verdict.yes:
            raise AssertionError(self._failure("authorized for", verdict.why))
        return verdict.member

    def check_no(self, answer: object) -> None:
        """Return if a rule said no; AssertionError says that it did not, or that there was none to."""
        __tracebackhide__ = True
        verdict = self._verdict(answer)
        if verdict.yes or self.rule is None:
            raise AssertionError(self._failure("denied by its rule to", verdict.why))

    def _failure(self, expected: str, why: list[str]) -> str:
        who = "a guest" if self.user is None else shortened(self.user)
        return "\n".join([f"expected {self.name} to be {expected} {who}", *(f"  - {line}" for line in why)])

    def _verdict(self, answer: object) -> Verdict:
        if self.rule is None:
            return Verdict(yes=False, why=self._no_rule())
        if self.refusal is not None:
            return Verdict(yes=False, why=[self.refusal.reason])
        asked = (
            f"{self.rule.name}({', '.join(['user', *(f'{key}={value!r}' for key, value in self.arguments.items())])})"
        )
        if isinstance(answer, DeniedError):
            return Verdict(yes=False, why=[f"{asked} raised DeniedError: {answer.reason}"])
        try:
            member = self.rule.read(answer)
        except DeniedError:
            return Verdict(yes=False, why=[f"{asked} answered {shortened(answer)}{_not_a_yes(self.rule, answer)}"])
        return Verdict(yes=True, why=[f"{asked} answered {shortened(answer)}"], member=_as_seen(member))

    def _no_rule(self) -> list[str]:
        kind = parse_channel_name(self.name).kind
        if kind is ChannelKind.SERVER_TO_USER:
            return ["it is heard where that user is signed in, and no rule is asked"]
        if not kind.guarded:
            return ["anyone may listen to a public channel, and no rule is asked"]
        return ["\n    - ".join(["no rule fits the name; the nearest:", *near_misses(self.name, self.rules)])]


def _not_a_yes(rule: Rule, answer: object) -> str:
    if answer is None or answer is False:
        return ""
    member = member_from(answer) if rule.presence else None
    if member is None:
        return f", which is no clear yes: return {'a PresenceMember' if rule.presence else 'True'}"
    try:
        member.as_json()
    except InvalidInputError as error:
        return f", which cannot be sent: {error}"
    return ""


def _as_seen(member: str | None) -> PresenceMember | None:
    """Return a member as the others in the channel see it."""
    if member is None:
        return None
    seen = json.loads(member)
    return PresenceMember(seen["user_id"], seen["user_info"])
