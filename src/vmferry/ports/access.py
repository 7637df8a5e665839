"""What is kept of those who use the API."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from vmferry.model.access import Act, Reply, Session, Token, User


class Register(Protocol):
    """Tokens, people and their sessions, the audit, and answers that may be asked for again."""

    def tokens(self) -> Sequence[Token]:
        """By name."""

    def add_token(self, token: Token, digest: str) -> None:
        """`digest`: of its secret. Raises UserError where the name is taken."""

    def remove_token(self, name: str) -> None:
        """Raises Unknown."""

    def token(self, digest: str) -> Token | None:
        """Whose secret has that digest."""

    def users(self) -> Sequence[User]:
        """By name."""

    def add_user(self, user: User, password: str) -> None:
        """`password`: as argon2 has it. Raises UserError where the name is taken."""

    def set_password(self, name: str, password: str) -> None:
        """Ends all sessions of that user. Raises Unknown."""

    def remove_user(self, name: str) -> None:
        """With all sessions. Raises Unknown."""

    def user(self, name: str) -> tuple[User, str] | None:
        """With the password, as argon2 has it."""

    def add_session(self, session: Session, digest: str) -> None:
        """`digest`: of its secret. Forgets those that have expired."""

    def session(self, digest: str) -> tuple[Session, User] | None:
        """Whose secret has that digest, also where it has expired."""

    def remove_session(self, digest: str) -> None:
        """No error where there is none."""

    def record(self, act: Act) -> None:
        """Behind all others; nothing is ever changed or removed."""

    def acts(self, *, before: int | None = None, most: int = 100) -> Sequence[tuple[int, Act]]:
        """Newest first, each with its number; those before a number."""

    def reply(self, who: str, key: str) -> Reply | None: ...

    def keep_reply(self, who: str, key: str, reply: Reply) -> None: ...
