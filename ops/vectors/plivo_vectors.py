#!/usr/bin/env python3
"""Writes requests signed by Plivo's own Python package, one JSON object a line.

Each line is a webhook as it travels: `method`, `url` (as Plivo called it), `body` (the form body byte for byte),
`auth_token`, `nonce` and `signature` (the X-Plivo-Signature-V3 header). The package both signs and validates every
request here, so a verifier that disagrees with a line disagrees with the vendor. All numbers and names are fictional.

What a line may hold on purpose: ports, a query (repeated keys, empty values, keys without `=`, `+` and `%20`),
repeated and empty form fields, several ways of percent-encoding the same value, any Unicode in the body. What it never
holds: characters outside ASCII in the URL, decoded or not, because the package itself fails on them.
"""

import argparse
import json
import random
import secrets
import string
import sys
from urllib.parse import parse_qs, quote

from plivo.utils.signature_v3 import (
    construct_get_url,
    construct_post_url,
    get_signature_v3,
    validate_v3_signature,
)

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


def main():
    options = arguments()
    print(f"plivo vectors: seed {options.seed}, {options.count} requests", file=sys.stderr)
    rng = random.Random(options.seed)
    lines = [json.dumps(vector(rng)) + "\n" for _ in range(options.count)]
    with open(options.out, "w", encoding="ascii") if options.out else sys.stdout as out:
        out.writelines(lines)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--seed", type=int, help="the same seed gives the same lines (default: a new one, printed)")
    parser.add_argument("--out", help="file to write (default: standard output)")
    options = parser.parse_args()
    if options.seed is None:
        options.seed = secrets.randbits(32)
    return options


def vector(rng):
    method = "GET" if rng.random() < 0.15 else "POST"
    fields = webhook(rng)
    if rng.random() < 0.25:
        fields = fields + oddities(rng)
    if method == "GET":
        ascii_only = [(name, value) for name, value in fields if (name + value).isascii()]
        url, body = callback_url(rng, query(rng) + ascii_only), ""
    elif rng.random() < 0.05:
        url, body = callback_url(rng, query(rng)), ""
    else:
        url, body = callback_url(rng, query(rng)), encode(rng, fields)
    return signed(rng, method, url, body)


def signed(rng, method, url, body):
    auth_token = "".join(rng.choices(string.ascii_letters + string.digits, k=40))
    nonce = uuid(rng) if rng.random() < 0.2 else "".join(rng.choices(string.digits, k=20))

    # The package changes the dict that it is given, so each call gets its own.
    def params():
        return parse_qs(body, keep_blank_values=True)

    signed_url = construct_get_url(url, params()) if method == "GET" else construct_post_url(url, params())
    signature = get_signature_v3(auth_token.encode(), signed_url.decode(), nonce.encode()).decode()
    request = (method, url, nonce, auth_token, signature)
    assert validate_v3_signature(*request, params()) is True, f"the vendor refuses its own signature: {request}"
    return {
        "method": method,
        "url": url,
        "body": body,
        "auth_token": auth_token,
        "nonce": nonce,
        "signature": signature,
    }


def webhook(rng):
    """The fields of one of the webhooks of a masked call."""
    scanner, line, owner = number(rng, "91980000"), number(rng, "91114000"), number(rng, "91980000")
    call, owner_leg = uuid(rng), uuid(rng)
    leg = [
        ("CallUUID", call),
        ("From", scanner),
        ("To", line),
        ("Direction", "inbound"),
        ("ALegUUID", call),
        ("ALegRequestUUID", uuid(rng)),
        ("BillRate", "0.0045"),
        ("CallerName", rng.choice([scanner, scanner, *NAMES])),
        ("SessionStart", "2026-03-01 09:30:%02d.%06d" % (rng.randrange(60), rng.randrange(10**6))),
    ]
    dial = [
        ("DialALegUUID", call),
        ("DialBLegUUID", owner_leg),
        ("DialBLegFrom", line),
        ("DialBLegTo", owner),
    ]
    digits = "".join(rng.choices(string.digits, k=rng.choice([0, 1, 6, 7, 7, 7, 9])))
    status = rng.choice(["completed", "busy", "no-answer", "failed", "cancel", "timeout"])
    fields = rng.choice(
        [
            leg + [("CallStatus", "ringing"), ("Event", "StartApp")],
            leg + [("CallStatus", "in-progress"), ("Event", "Redirect"), ("Digits", digits)],
            dial + [("CallUUID", call), ("DialAction", "answer"), ("DialBLegStatus", "answer"), ("Event", "DialAnswer")],
            dial + [("CallUUID", call), ("DialAction", "connected"), ("Event", "DialConnected")],
            dial + [("DialAction", "digits"), ("DialDigitsMatch", ""), ("ConfirmKey", "1"), ("CallUUID", call)],
            dial
            + [
                ("CallUUID", call),
                ("Event", "DialHangup"),
                ("DialAction", "hangup"),
                ("DialBLegStatus", "hangup"),
                ("DialBLegDuration", str(rng.randrange(180))),
                ("DialBLegBillDuration", "60"),
                ("DialBLegHangupCause", "NORMAL_CLEARING"),
                ("DialBLegHangupCauseCode", "4000"),
                ("DialBLegHangupCauseName", "Normal Hangup"),
                ("DialBLegHangupSource", "Callee"),
            ],
            leg
            + [
                ("Event", "Redirect"),
                ("DialStatus", status),
                ("DialRingStatus", rng.choice(["true", "false"])),
                ("DialHangupCause", "USER_BUSY" if status == "busy" else "NORMAL_CLEARING"),
                ("DialALegUUID", call),
                ("DialBLegUUID", owner_leg),
            ],
            leg
            + [
                ("CallStatus", "completed"),
                ("Event", "Hangup"),
                ("HangupCause", "NORMAL_CLEARING"),
                ("HangupCauseName", "Normal Hangup"),
                ("HangupCauseCode", "4000"),
                ("HangupSource", rng.choice(["Caller", "Callee", "Plivo", "Error"])),
                ("Duration", str(rng.randrange(180))),
                ("BillDuration", "60"),
                ("TotalCost", "0.00450"),
                ("StartTime", "2026-03-01 09:30:00"),
                ("AnswerTime", "2026-03-01 09:30:02"),
                ("EndTime", "2026-03-01 09:31:02"),
            ],
        ]
    )
    fields = fields[:]
    if rng.random() < 0.5:
        rng.shuffle(fields)
    return fields


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


def callback_url(rng, fields):
    path = rng.choice(
        [
            "/webhooks/plivo/voice",
            "/webhooks/plivo/code",
            "/webhooks/plivo/leg/" + uuid(rng),
            "/webhooks/plivo/dial-end/" + uuid(rng),
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


def number(rng, prefix):
    """A fictional number, mostly without the plus sign, as the webhooks write it."""
    plus = "+" if rng.random() < 0.2 else ""
    return f"{plus}{prefix}00{rng.randrange(100):02}"


def uuid(rng):
    digits = "%032x" % rng.getrandbits(128)
    return "-".join([digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]])


if __name__ == "__main__":
    main()
