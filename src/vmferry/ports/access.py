"""What is kept of those who use the API."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from vmferry.model.access import Act, Reply, Token


class Register(Protocol):
    """Tokens, the audit, and answers that may be asked for again."""

    def tokens(self) -> Sequence[Token]:
        """By name."""

    def add_token(self, token: Token, digest: str) -> None:
        """`digest`: of its secret. Raises UserError where the name is taken."""

    def remove_token(self, name: str) -> None:
        """Raises Unknown."""

    def token(self, digest: str) -> Token | None:
        """Whose secret has that digest."""

    def record(self, act: Act) -> None:
        """Behind all others; nothing is ever changed or removed."""

    def acts(self, *, before: int | None = None, most: int = 100) -> Sequence[tuple[int, Act]]:
        """Newest first, each with its number; those before a number."""

    def reply(self, who: str, key: str) -> Reply | None: ...

    def keep_reply(self, who: str, key: str, reply: Reply) -> None: ...
