#!/usr/bin/env python3
"""Writes sticky.json: where keys fall under salts, computed without any of Brownout's code.

    python3 generate.py > sticky.json

The hash is SipHash-2-4 (Aumasson and Bernstein, 2012) with a key of zeros, over the length of the salt as 64 bits,
little endian, the salt, and the key. A rule at p percent takes a key whose point, modulo a million, is less than
p * 10,000.
"""
import json

MASK = (1 << 64) - 1
PERCENTAGES = ["0.0001", "0.01", "1", "10", "33.3333", "50", "75", "99", "99.9999", "100"]
KEYS = ["1", "2", "42", "alice", "bob", "carol", "user-1", "user-2", "user-1234567", "0", " ", "Alice",
        "10.0.0.1", "10.0.0.2", "2001:db8::1", "spiffe://cluster.local/ns/shop/sa/cart",
        "4bf92f3577b34da6a3ce929d0e0e4736", "550e8400-e29b-41d4-a716-446655440000",
        "jos\u00e9", "\u65e5\u672c", "a" * 7, "a" * 8, "a" * 9, "a" * 64, "x" * 1000]
SALTS = ["", "r", "slow-checkout", "slow-checkout-2", "salt with blanks", "s\u00e4lt", "l" * 63]
# A salt and a key that together read the same must not fall together.
PAIRS = [("ab", "c"), ("a", "bc"), ("abc", ""), ("", "abc")]
# Found by trying: these fall on the edges of shares, at 0, 10,000, 499,999, 500,000 and 999,999 millionths.
EDGES = [("r", f"user-{number}") for number in (445530, 356688, 820127, 408687, 776969)]


def rotated(x, by):
    return (x << by | x >> 64 - by) & MASK


def sip_hash_2_4(data, k0=0, k1=0):
    v = [k0 ^ 0x736F6D6570736575, k1 ^ 0x646F72616E646F6D, k0 ^ 0x6C7967656E657261, k1 ^ 0x7465646279746573]

    def rounds(count):
        for _ in range(count):
            v[0] = (v[0] + v[1]) & MASK
            v[2] = (v[2] + v[3]) & MASK
            v[1] = rotated(v[1], 13) ^ v[0]
            v[3] = rotated(v[3], 16) ^ v[2]
            v[0] = rotated(v[0], 32)
            v[2] = (v[2] + v[1]) & MASK
            v[0] = (v[0] + v[3]) & MASK
            v[1] = rotated(v[1], 17) ^ v[2]
            v[3] = rotated(v[3], 21) ^ v[0]
            v[2] = rotated(v[2], 32)

    whole = len(data) - len(data) % 8
    words = [int.from_bytes(data[at:at + 8], "little") for at in range(0, whole, 8)]
    words.append(int.from_bytes(data[whole:], "little") | (len(data) & 0xFF) << 56)
    for word in words:
        v[3] ^= word
        rounds(2)
        v[0] ^= word
    v[2] ^= 0xFF
    rounds(4)
    return v[0] ^ v[1] ^ v[2] ^ v[3]


def vector(salt, key):
    salted = len(salt.encode()).to_bytes(8, "little") + salt.encode()
    point = sip_hash_2_4(salted + key.encode())
    taken = [p for p in PERCENTAGES if point % 1_000_000 < round(float(p) * 10_000)]
    return {"salt": salt, "key": key, "point": f"{point:#018x}", "millionth": point % 1_000_000, "taken_at": taken}


# The example in the paper's appendix A.
assert sip_hash_2_4(bytes(range(15)), 0x0706050403020100, 0x0F0E0D0C0B0A0908) == 0xA129CA6149BE45E5

vectors = [vector(salt, key) for salt in SALTS for key in KEYS] + [vector(*pair) for pair in PAIRS + EDGES]
lines = ",\n".join("    " + json.dumps(one) for one in vectors)
print(f'{{\n  "percentages": {json.dumps(PERCENTAGES)},\n  "vectors": [\n{lines}\n  ]\n}}')
