"""The certificate authority of the fleet as two files of a directory that only its owner may look into."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from vmferry.errors import Failed, Refused
from vmferry.model.secret import Secret

MOST_BYTES = 1 << 16


class FileChest:
    """`ports.Chest`. Each file is there whole or not at all."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._certificates, self._key = folder / "ca-cert.pem", folder / "ca-key.pem"

    def certificates(self) -> str | None:
        try:
            return self._read(self._certificates)
        except FileNotFoundError:
            return None

    def key(self) -> Secret:
        try:
            mode = self._key.stat().st_mode
            if mode & (stat.S_IRWXG | stat.S_IRWXO):
                text = f"{self._key} may be read by others than its owner; look who had it, then chmod 600 it"
                raise Failed(text)
            return Secret(self._read(self._key))
        except FileNotFoundError:
            text = f"the key of the certificate authority, {self._key}, is not there; put it back from a backup"
            raise Failed(text) from None
        except OSError as error:
            raise self._failed(self._key, error) from None

    def make(self, certificates: str, key: Secret) -> None:
        """The key first: a certificate without it would look like an authority."""
        try:
            for folder in (self._folder.parent, self._folder):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise self._failed(self._folder, error) from None
        if not self._write(self._key, key.reveal(), 0o600, anew=True):
            text = f"there is a certificate authority in {self._folder} already, or the key of one; look at it"
            raise Refused(text)
        self._write(self._certificates, certificates, 0o644, anew=False)

    def renew(self, certificates: str) -> None:
        self._write(self._certificates, certificates, 0o644, anew=False)

    def _write(self, path: Path, text: str, mode: int, *, anew: bool) -> bool:
        """False where it has to be new and is not."""
        temporary = path.with_suffix(f".{os.getpid()}")
        try:
            with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w") as file:
                os.fchmod(file.fileno(), mode)
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            if anew:
                os.link(temporary, path)
            else:
                temporary.replace(path)
        except FileExistsError:
            return False
        except OSError as error:
            raise self._failed(path, error) from None
        finally:
            temporary.unlink(missing_ok=True)
        return True

    @staticmethod
    def _read(path: Path) -> str:
        with path.open(encoding="ascii", errors="replace") as file:
            return file.read(MOST_BYTES)

    @staticmethod
    def _failed(path: Path, error: OSError) -> Failed:
        return Failed(f"{path} cannot be used: {error.strerror}; name a place that can be in [store] path")
