"""What signed requests of every provider are made from: arguments, numbers, queries, and ways to write a form.

All numbers and names are fictional.
"""

import argparse
import json
import random
import secrets
import sys
from urllib.parse import parse_qs, quote

ORIGINS = [
    "https://qnect.example",
    "https://qnect.example",
    "https://qnect.example:443",
    "https://tags.qnect.example:8443",
    "http://127.0.0.1:8080",
    "http://localhost:80",
    "http://localhost",
]

NAMES = ["", "QNect", "Asha R", "अनीता शर्मा", "தமிழ்", "Zoë & Søn", "山田 太郎", "O'Neil, \"Jo\"", "🚗 100%", "a=b&c;d+e"]

# The characters of a form value that need no encoding, and those that some clients leave as they are.
SAFE = "*-._"
SAFE_AT_TIMES = SAFE + "~:/@,!'()"


def write(provider, vector, description):
    """Writes as many vectors as the arguments ask for, one JSON object a line. The seed is printed."""
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--seed", type=int, help="the same seed gives the same lines (default: a new one, printed)")
    parser.add_argument("--out", help="file to write (default: standard output)")
    options = parser.parse_args()
    seed = secrets.randbits(32) if options.seed is None else options.seed
    print(f"{provider} vectors: seed {seed}, {options.count} requests", file=sys.stderr)
    rng = random.Random(seed)
    lines = [json.dumps(vector(rng)) + "\n" for _ in range(options.count)]
    with open(options.out, "w", encoding="ascii") if options.out else sys.stdout as out:
        out.writelines(lines)


def oddities(rng):
    """Fields that no webhook needs and every verifier must agree about."""
    odd = [
        ("X-PH-Note", rng.choice(NAMES)),
        ("X-PH-Tag", "b"),
        ("X-PH-Tag", "a"),
        ("X-PH-Tag", "a"),
        ("X-PH-Empty", ""),
        ("X-PH-Space", " leading and trailing "),
        ("X-PH-Lines", "one\r\ntwo\tthree"),
        ("X-PH-" + rng.choice(["é", "ज़", "😀", "Z", "z", "_"]), rng.choice(NAMES)),
        ("", "a value without a name"),
    ]
    return rng.sample(odd, rng.randrange(1, len(odd)))


def query(rng):
    """The query parameters of a callback URL: mostly none."""
    if rng.random() < 0.6:
        return []
    return rng.choice(
        [
            [("session", "".join(rng.choices("0123456789ABCDEFGHJKMNPQRSTVWXYZ", k=26)))],
            [("step", "dial"), ("attempt", str(rng.randrange(3)))],
            [("b", "2"), ("a", "1"), ("b", "10"), ("b", "1")],
            [("empty", ""), ("flag", None)],
            [("note", "car & scooter"), ("q", "50% = half")],
            [("From", "query and body share a name")],
        ]
    )


def callback_url(rng, provider, fields):
    path = rng.choice(
        [
            f"/webhooks/{provider}/voice",
            f"/webhooks/{provider}/code",
            f"/webhooks/{provider}/leg/" + uuid(rng),
            f"/webhooks/{provider}/dial-end/" + uuid(rng),
            "/q%20nect/%7Evoice",
            "/",
        ]
    )
    url = rng.choice(ORIGINS) + path
    return f"{url}?{encode(rng, fields)}" if fields else url


def encode(rng, fields):
    """One of the ways in which a client may write these fields; every way decodes to the same fields."""
    space_as_plus, lower_hex, lavish = rng.random() < 0.8, rng.random() < 0.2, rng.random() < 0.1
    safe = SAFE_AT_TIMES if rng.random() < 0.3 else SAFE

    def text(value):
        coded = "".join(
            "%{:02X}".format(ord(c)) if lavish and c.isascii() and rng.random() < 0.3 else quote(c, safe=safe + " ")
            for c in value
        )
        coded = coded.replace(" ", "+" if space_as_plus else "%20")
        return "".join(c.lower() if lower_hex and coded[max(0, i - 2) : i].count("%") else c for i, c in enumerate(coded))

    coded = "&".join(text(name) if value is None else f"{text(name)}={text(value)}" for name, value in fields)
    expected = {}
    for name, value in fields:
        expected.setdefault(name, []).append(value or "")
    assert parse_qs(coded, keep_blank_values=True) == expected, coded
    return coded


def uuid(rng):
    digits = "%032x" % rng.getrandbits(128)
    return "-".join([digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]])
