"""A register in memory."""

from __future__ import annotations

from collections.abc import Sequence

from vmferry.errors import Unknown, UserError
from vmferry.model.access import Act, Reply, Token


class MemoryRegister:
    """`ports.Register`; what it holds is gone with it."""

    def __init__(self) -> None:
        self._tokens: dict[str, tuple[Token, str]] = {}
        self._acts: list[Act] = []
        self._replies: dict[tuple[str, str], Reply] = {}

    def tokens(self) -> Sequence[Token]:
        return tuple(self._tokens[name][0] for name in sorted(self._tokens))

    def add_token(self, token: Token, digest: str) -> None:
        if token.name in self._tokens:
            raise UserError(f"there is a token {token.name} already; remove it first or take another name")
        self._tokens[token.name] = token, digest

    def remove_token(self, name: str) -> None:
        if self._tokens.pop(name, None) is None:
            raise Unknown(f"there is no token {name!a}; see vmferry token list")

    def token(self, digest: str) -> Token | None:
        return next((token for token, kept in self._tokens.values() if kept == digest), None)

    def record(self, act: Act) -> None:
        self._acts.append(act)

    def acts(self, *, before: int | None = None, most: int = 100) -> Sequence[tuple[int, Act]]:
        numbered = [(number, act) for number, act in enumerate(self._acts, 1) if before is None or number < before]
        return tuple(reversed(numbered))[:most]

    def reply(self, who: str, key: str) -> Reply | None:
        return self._replies.get((who, key))

    def keep_reply(self, who: str, key: str, reply: Reply) -> None:
        self._replies[who, key] = reply
