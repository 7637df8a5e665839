"""Tokens: made, and told by their digest. They are so long that guessing is hopeless, and a plain hash will do."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime

from vmferry.model.access import Token

NAME = r"^[A-Za-z0-9][A-Za-z0-9._@-]{0,99}$"
PREFIX = "vmferry_"
"""So that scanners of repositories know one that was left in a file."""


def new_secret() -> str:
    return PREFIX + secrets.token_urlsafe(32)


def digest_of(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()


def is_valid(token: Token, now: datetime) -> bool:
    return token.expires is None or now < datetime.fromisoformat(token.expires)
