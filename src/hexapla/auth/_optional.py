"""Optional extras of this floor: `hexapla[google]` (cryptography) and `hexapla[keyring]`.

They are imported when they are first needed: each costs more to import than the rest of Hexapla's start.
"""

from __future__ import annotations

from hexapla.errors import ConfigError


def sign_rs256(key: str, data: bytes) -> bytes:
    """An RSA signature with SHA-256 (RFC 7518 section 3.3).  Raises ConfigError without the extra or with a bad key."""
    try:
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import padding, rsa
    except ImportError:
        raise ConfigError(
            "A service account's key needs cryptography: pip install hexapla[google].", key="auth"
        ) from None
    try:
        private = serialization.load_pem_private_key(key.encode(), None)
    except (ValueError, TypeError):
        raise ConfigError("The service account's private_key is no PEM key.", key="auth") from None
    if not isinstance(private, rsa.RSAPrivateKey):
        raise ConfigError("The service account's private_key is no RSA key.", key="auth")
    return private.sign(data, padding.PKCS1v15(), hashes.SHA256())


def from_keyring(service: str, user: str) -> str | None:
    """What the operating system's keyring holds.  Raises ConfigError where it cannot be asked."""
    try:
        import keyring
        from keyring.errors import KeyringError
    except ImportError:
        raise ConfigError(
            "A key in the system's keyring needs the extra: pip install hexapla[keyring].", key="auth"
        ) from None
    try:
        return keyring.get_password(service, user)
    except KeyringError as error:
        raise ConfigError(f"The system's keyring cannot be read: {type(error).__name__}.", key="auth") from None
