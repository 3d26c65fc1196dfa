#!/usr/bin/env python3
"""Writes shamir.json: secret sharing and the form of shares that people write, made a second time from their description.

The file is frozen: it is added to, never edited. Every row that stands must come out unchanged.
"""

import hashlib
import json
import pathlib

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def times(a, b):
    """In GF(256) with x^8 + x^4 + x^3 + x + 1, as AES."""
    out = 0
    while b:
        if b & 1:
            out ^= a
        a = a << 1 ^ (0x11B if a & 0x80 else 0)
        b >>= 1
    return out


def stream(name, length):
    return hashlib.shake_256(f"keyward shamir vectors: {name}".encode()).digest(length)


def share(secret, coefficients, x):
    value = bytearray()
    for at, byte in enumerate(secret):
        y, power = byte, 1
        for degree in coefficients:
            power = times(power, x)
            y ^= times(degree[at], power)
        value.append(y)
    return bytes(value)


def code(split, index, k, n, value):
    body = bytes([1]) + split.to_bytes(4, "big") + bytes([index, k, n]) + value
    body += hashlib.sha256(b"keyward share" + body).digest()[:4]
    bits = "".join(f"{byte:08b}" for byte in body)
    bits += "0" * (-len(bits) % 5)
    symbols = [int(bits[at : at + 5], 2) for at in range(0, len(bits), 5)]
    groups = []
    for group, at in enumerate(range(0, len(symbols), 4)):
        data = symbols[at : at + 4]
        check = group % 32
        for symbol in data:
            check = (check ^ symbol) << 1
            check = (check ^ 0b100101 if check & 32 else check) & 31
        groups.append("".join(ALPHABET[symbol] for symbol in [*data, check]))
    return "-".join(groups)


def row(name, length, k, n, split):
    secret = stream(name, length)
    coefficients = [stream(f"{name} {degree}", length) for degree in range(1, k)]
    values = [share(secret, coefficients, x) for x in range(1, n + 1)]
    return {
        "name": name,
        "k": k,
        "n": n,
        "split": split,
        "secret": secret.hex(),
        "shares": [value.hex() for value in values],
        "codes": [code(split, at + 1, k, n, value) for at, value in enumerate(values)],
    }


ROWS = [
    row("one of one", 32, 1, 1, 1),
    row("one of three", 32, 1, 3, 2),
    row("two of three", 32, 2, 3, 3),
    row("three of five", 32, 3, 5, 4_000_000_000),
    row("all of four, one byte", 1, 4, 4, 0),
    row("ten of twenty", 64, 10, 20, 77),
]


def main():
    path = pathlib.Path(__file__).with_name("shamir.json")
    if path.exists():
        for was in json.loads(path.read_text()):
            assert was in ROWS, f"the frozen row `{was['name']}` would change"
    path.write_text(json.dumps(ROWS, indent=1) + "\n")


main()
