"""Signatures for assertions (JWT): the closed set of algorithms a manifest may name. Pure."""

import re

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

_PEM = re.compile(r"-----BEGIN ([A-Z ]*PRIVATE KEY)-----(.*?)-----END \1-----", re.DOTALL)
_P256_BYTES = 32


def sign(algorithm: str, pem: str, message: bytes) -> bytes:
    """Raises `ValueError` for a key that is none or does not fit the algorithm."""
    try:
        key = load_pem_private_key(_repaired(pem), password=None)
    except (TypeError, UnsupportedAlgorithm) as error:
        raise ValueError(str(error))
    if algorithm == "ES256":
        if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
            raise ValueError("ES256 needs a key on the curve P-256")
        numbers = decode_dss_signature(key.sign(message, ec.ECDSA(SHA256())))
        return b"".join(number.to_bytes(_P256_BYTES, "big") for number in numbers)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise ValueError(f"{algorithm} needs an RSA key")
    if algorithm == "PS256":
        return key.sign(message, padding.PSS(padding.MGF1(SHA256()), padding.PSS.DIGEST_LENGTH), SHA256())
    return key.sign(message, padding.PKCS1v15(), SHA256())


def _repaired(pem: str) -> bytes:
    """The key with its line ends: a form field of one line loses them."""
    found = _PEM.search(pem.replace("\\n", "\n"))
    if found is None:
        raise ValueError("there is no -----BEGIN PRIVATE KEY----- in it")
    kind, content = found.group(1), re.sub(r"\s", "", found.group(2))
    lines = [content[first : first + 64] for first in range(0, len(content), 64)]
    return "\n".join([f"-----BEGIN {kind}-----", *lines, f"-----END {kind}-----", ""]).encode()
