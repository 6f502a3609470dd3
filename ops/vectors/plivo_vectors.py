#!/usr/bin/env python3
"""Writes requests signed by Plivo's own Python package, one JSON object a line.

Each line is a webhook as it travels: `method`, `url` (as Plivo called it), `body` (the form body byte for byte),
`auth_token`, `nonce` and `signature` (the X-Plivo-Signature-V3 header). The package both signs and validates every
request here, so a verifier that disagrees with a line disagrees with the vendor. All numbers and names are fictional.

What a line may hold on purpose: ports, a query (repeated keys, empty values, keys without `=`, `+` and `%20`),
repeated and empty form fields, several ways of percent-encoding the same value, any Unicode in the body. What it never
holds: characters outside ASCII in the URL, decoded or not, because the package itself fails on them.
"""

import string
from urllib.parse import parse_qs

from plivo.utils.signature_v3 import (
    construct_get_url,
    construct_post_url,
    get_signature_v3,
    validate_v3_signature,
)

from webhooks import NAMES, callback_url, encode, oddities, query, uuid, write


def vector(rng):
    method = "GET" if rng.random() < 0.15 else "POST"
    fields = webhook(rng)
    if rng.random() < 0.25:
        fields = fields + oddities(rng)
    if method == "GET":
        ascii_only = [(name, value) for name, value in fields if (name + value).isascii()]
        url, body = callback_url(rng, "plivo", query(rng) + ascii_only), ""
    elif rng.random() < 0.05:
        url, body = callback_url(rng, "plivo", query(rng)), ""
    else:
        url, body = callback_url(rng, "plivo", query(rng)), encode(rng, fields)
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


def number(rng, prefix):
    """A fictional number, mostly without the plus sign, as the webhooks write it."""
    plus = "+" if rng.random() < 0.2 else ""
    return f"{plus}{prefix}00{rng.randrange(100):02}"


if __name__ == "__main__":
    write("plivo", vector, __doc__)
