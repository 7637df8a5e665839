"""A register in memory."""

from __future__ import annotations

from collections.abc import Sequence

from vmferry.errors import Unknown, UserError
from vmferry.model.access import Act, Reply, Session, Token, User


class MemoryRegister:
    """`ports.Register`; what it holds is gone with it."""

    def __init__(self) -> None:
        self._tokens: dict[str, tuple[Token, str]] = {}
        self._users: dict[str, tuple[User, str]] = {}
        self._sessions: dict[str, Session] = {}
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

    def users(self) -> Sequence[User]:
        return tuple(self._users[name][0] for name in sorted(self._users))

    def add_user(self, user: User, password: str) -> None:
        if user.name in self._users:
            raise UserError(f"there is a user {user.name} already; remove it first or take another name")
        self._users[user.name] = user, password

    def set_password(self, name: str, password: str) -> None:
        self._users[name] = self._known(name), password
        self._end_sessions(name)

    def remove_user(self, name: str) -> None:
        self._known(name)
        del self._users[name]
        self._end_sessions(name)

    def user(self, name: str) -> tuple[User, str] | None:
        return self._users.get(name)

    def _known(self, name: str) -> User:
        if name not in self._users:
            raise Unknown(f"there is no user {name!a}; see vmferry user list")
        return self._users[name][0]

    def _end_sessions(self, name: str) -> None:
        self._sessions = {digest: each for digest, each in self._sessions.items() if each.user != name}

    def add_session(self, session: Session, digest: str) -> None:
        kept = {digest: each for digest, each in self._sessions.items() if each.expires > session.created}
        self._sessions = kept | {digest: session}

    def session(self, digest: str) -> tuple[Session, User] | None:
        found = self._sessions.get(digest)
        return None if found is None else (found, self._users[found.user][0])

    def remove_session(self, digest: str) -> None:
        self._sessions.pop(digest, None)

    def record(self, act: Act) -> None:
        self._acts.append(act)

    def acts(self, *, before: int | None = None, most: int = 100) -> Sequence[tuple[int, Act]]:
        numbered = [(number, act) for number, act in enumerate(self._acts, 1) if before is None or number < before]
        return tuple(reversed(numbered))[:most]

    def reply(self, who: str, key: str) -> Reply | None:
        return self._replies.get((who, key))

    def keep_reply(self, who: str, key: str, reply: Reply) -> None:
        self._replies[who, key] = reply
