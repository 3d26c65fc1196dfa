#!/usr/bin/env python3
"""Writes envelope.json: the envelope of plugins/sdk, made a second time from its description with other libraries.

The file is frozen: it is added to, never edited. Run only to add rows; every row that stands must come out unchanged.
Needs the Python package `cryptography`.
"""

import hashlib
import json
import pathlib

from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC


def hmac(key, data):
    h = HMAC(key, SHA256())
    h.update(data)
    return h.finalize()


def expand(prk, info, length):
    out, block = b"", b""
    for n in range(1, -(-length // 32) + 1):
        block = hmac(prk, block + info + bytes([n]))
        out += block
    return out[:length]


def stream(name, length):
    """Bytes that are the same each time and look random."""
    return hashlib.shake_256(f"keyward envelope vectors: {name}".encode()).digest(length)


def derive(row):
    prk = hmac(bytes(32), row["key"])
    header = bytes([row["format"]]) + row["version"].to_bytes(4, "big")
    parts = [row["purpose"].encode(), row["tenant"], row["key_id"], header, row["salt"]]
    info = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    okm = expand(prk, info, 64)
    return header, okm[:32], okm[32:]


def seal(row):
    header, key, commitment = derive(row)
    cipher = {1: AESGCM, 2: ChaCha20Poly1305}[row["format"]](key)
    return header + row["salt"] + commitment + cipher.encrypt(bytes(12), row["plaintext"], row["aad"])


def row(name, format, version, purpose, key_id, aad, plaintext, tenant=None):
    made = {
        "name": name,
        "format": format,
        "version": version,
        "key": stream(name + " key", 32),
        "purpose": purpose,
        "tenant": stream(name + " tenant", 16) if tenant is None else tenant,
        "key_id": key_id,
        "salt": stream(name + " salt", 32),
        "aad": aad,
        "plaintext": plaintext,
    }
    made["envelope"] = seal(made)
    return made


OPEN = [
    row("empty", 1, 1, "kv", b"", b"", b""),
    row("one byte", 1, 1, "kv", b"k", b"a", b"\x00"),
    row("a 32 byte key", 1, 7, "transit", b"payments", b"context", stream("32", 32)),
    row("the installation's own", 1, 1, "keyring", b"system", b"path", stream("64", 64), tenant=bytes(16)),
    row("highest version", 1, 2**32 - 1, "kv", b"k", b"", b"last"),
    row("longest purpose and key id", 1, 1, "p" * 64, b"i" * 256, b"", b"x"),
    row("a block and a bit", 1, 2, "kv", b"path/to/secret", stream("aad", 300), stream("1025", 1025)),
    row("chacha empty", 2, 1, "kv", b"", b"", b""),
    row("chacha 32 bytes", 2, 7, "transit", b"payments", b"context", stream("32", 32)),
    row("chacha a block and a bit", 2, 2, "kv", b"path/to/secret", stream("aad", 300), stream("1025", 1025)),
]


def refusals():
    base = OPEN[2]
    envelope = base["envelope"]

    def changed(name, why, **fields):
        return {**base, "name": name, "why": why, **fields}

    def flipped(at):
        return envelope[:at] + bytes([envelope[at] ^ 1]) + envelope[at + 1 :]

    yield changed("no bytes", "too short", envelope=b"")
    yield changed("one byte short of an empty one", "too short", envelope=envelope[:84])
    yield changed("format zero", "format", envelope=b"\x00" + envelope[1:])
    yield changed("a format of the future", "format", envelope=b"\x03" + envelope[1:])
    yield changed("the other format", "integrity", envelope=b"\x02" + envelope[1:])
    yield changed("another version in the header", "version", envelope=envelope[:4] + b"\x08" + envelope[5:])
    yield changed("another version of the key", "integrity", version=8, envelope=envelope[:4] + b"\x08" + envelope[5:])
    yield changed("changed salt", "integrity", envelope=flipped(5))
    yield changed("changed commitment", "integrity", envelope=flipped(37))
    yield changed("changed ciphertext", "integrity", envelope=flipped(69))
    yield changed("changed tag", "integrity", envelope=flipped(len(envelope) - 1))
    yield changed("cut by one byte", "integrity", envelope=envelope[:-1])
    yield changed("one byte more", "integrity", envelope=envelope + b"\x00")
    yield changed("another key", "integrity", key=stream("another key", 32))
    yield changed("another tenant", "integrity", tenant=stream("another tenant", 16))
    yield changed("another purpose", "integrity", purpose="transi")
    yield changed("purpose and key id shifted", "integrity", purpose="transitp", key_id=b"ayments")
    yield changed("another key id", "integrity", key_id=b"payment")
    yield changed("another aad", "integrity", aad=b"contexT")
    # Right commitment, key of another message: what AES-GCM alone would not notice is noticed by the tag here as well.
    other = {**base, "salt": stream("other salt", 32)}
    yield changed("body of another envelope", "integrity", envelope=envelope[:69] + seal(other)[69:])


def text(made):
    return {name: value.hex() if isinstance(value, bytes) else value for name, value in made.items()}


def main():
    path = pathlib.Path(__file__).with_name("envelope.json")
    vectors = {"open": [text(made) for made in OPEN], "refuse": [text(made) for made in refusals()]}
    if path.exists():
        frozen = json.loads(path.read_text())
        for part in vectors:
            for was in frozen[part]:
                assert was in vectors[part], f"the frozen row `{was['name']}` would change"
    path.write_text(json.dumps(vectors, indent=1) + "\n")


main()
