#!/usr/bin/env python3
"""Writes requests signed by Twilio's own Python package, one JSON object a line.

Each line is a webhook as it travels: `method`, `url` (as we know it), `body` (byte for byte), `secret`, `settings` (the
X-Twilio-Webhooks-Signature-Settings header, or null) and `signature` (the X-Twilio-Signature header). The package both
signs and validates every request here. It is also asked about the same request at other origins and with other settings:
`origins` and `other_settings` hold its verdicts. All numbers and names are fictional.

What a line may hold on purpose: a signature over the URL with a port, without one, or with the default one; both
algorithms; a query (repeated keys, empty values, keys without `=`, `+` and `%20`); repeated, equal and empty form fields;
several ways of percent-encoding the same value; any Unicode in the body; JSON bodies covered by `bodySHA256`.
"""

import json
import logging
import string
from urllib.parse import parse_qs, urlparse

from twilio.request_validator import RequestValidator, add_port, get_signature_algorithm, remove_port

from webhooks import NAMES, callback_url, encode, oddities, query, uuid, write

# The package warns of every algorithm that it does not know, and is asked about such on purpose.
logging.getLogger("twilio.request_validator").setLevel(logging.ERROR)

SETTINGS = [
    None,
    None,
    None,
    "",
    "algorithm=HMAC_SHA1",
    "key=webhooks_sharedkey_1,algorithm=HMAC_SHA256",
    "key=webhooks_sharedkey_1,algorithm=HMAC_SHA256",
    "key=webhooks_sharedkey_1 , algorithm = hmac_sha256",
    "algorithm=,algorithm=HMAC_SHA256",
    "key=webhooks_sharedkey_1",
]

OTHER_SETTINGS = ["", "algorithm=HMAC_SHA1", "algorithm=HMAC_SHA256", "algorithm=HMAC_MD5", "algorithm=HMAC_SHA512,x"]

PORTS = [None, 80, 443, 8443, 8444]


class Form:
    """Parameters as web frameworks hand them to the package: every value of a name."""

    def __init__(self, body):
        self.values = parse_qs(body, keep_blank_values=True)

    def __iter__(self):
        return iter(self.values)

    def __len__(self):
        return len(self.values)

    def getall(self, name):
        return self.values[name]


def vector(rng):
    kind = rng.random()
    fields = webhook(rng)
    if rng.random() < 0.25:
        fields = fields + oddities(rng)
    if kind < 0.15:
        return signed(rng, "GET", callback_url(rng, "twilio", query(rng) + fields), "", {})
    if kind < 0.3:
        body = json.dumps(dict(fields), ensure_ascii=False, separators=rng.choice([(",", ":"), (", ", ": ")]))
        digest = RequestValidator("").compute_hash(body)
        return signed(rng, "POST", callback_url(rng, "twilio", query(rng) + [("bodySHA256", digest)]), body, body)
    body = "" if kind < 0.34 else encode(rng, fields)
    return signed(rng, "POST", callback_url(rng, "twilio", query(rng)), body, Form(body))


def signed(rng, method, url, body, params):
    secret = "".join(rng.choices(string.ascii_letters + string.digits, k=32))
    settings = rng.choice(SETTINGS)
    algorithm = get_signature_algorithm(settings)
    validator = RequestValidator(secret)
    signed_url = rng.choice([url, url, add_port(urlparse(url)), remove_port(urlparse(url))])
    # A body with a hash is not among the signed parameters.
    signature = validator.compute_signature(signed_url, {} if isinstance(params, str) else params, algorithm)

    def accepts(url, settings):
        return validator.validate(url, params, signature, get_signature_algorithm(settings))

    assert accepts(url, settings), f"the vendor refuses its own signature: {url}"
    parts = urlparse(url)
    host = parts.hostname
    origins = [f"{parts.scheme}://{host}" + (f":{port}" if port else "") for port in PORTS]
    rest = url[len(f"{parts.scheme}://{parts.netloc}") :]
    return {
        "method": method,
        "url": url,
        "body": body,
        "secret": secret,
        "settings": settings,
        "signature": signature,
        "origins": {origin: accepts(origin + rest, settings) for origin in origins},
        "other_settings": {other: accepts(url, other) for other in OTHER_SETTINGS},
    }


def webhook(rng):
    """The fields of one of the webhooks of a masked call."""
    scanner, line, owner = number(rng, "+91980000"), number(rng, "+91114000"), number(rng, "+91980000")
    account, call, owner_call = "AC" + sid(rng), "CA" + sid(rng), "CA" + sid(rng)
    common = [("AccountSid", account), ("ApiVersion", "2010-04-01")]
    arriving = common + [
        ("CallSid", call),
        ("From", scanner),
        ("Caller", scanner),
        ("To", line),
        ("Called", line),
        ("Direction", "inbound"),
        ("CallerName", rng.choice(NAMES)),
        ("FromCity", rng.choice(["PUNE", ""])),
        ("FromState", rng.choice(["MH", ""])),
        ("FromZip", ""),
        ("FromCountry", "IN"),
        ("ToCountry", "IN"),
        ("StirVerstat", "TN-Validation-Passed-A"),
    ]
    outgoing = common + [
        ("CallSid", owner_call),
        ("ParentCallSid", call),
        ("From", line),
        ("To", owner),
        ("Direction", "outbound-dial"),
    ]
    progress = outgoing + [
        ("CallbackSource", "call-progress-events"),
        ("Timestamp", "Sun, 01 Mar 2026 09:30:%02d +0000" % rng.randrange(60)),
        ("SequenceNumber", str(rng.randrange(4))),
    ]
    digits = "".join(rng.choices(string.digits, k=rng.choice([0, 1, 6, 7, 7, 7, 9])))
    status = rng.choice(["completed", "busy", "no-answer", "failed", "canceled"])
    fields = rng.choice(
        [
            arriving + [("CallStatus", "ringing")],
            arriving + [("CallStatus", "in-progress"), ("Digits", digits), ("msg", "Gather End"), ("FinishedOnKey", "")],
            arriving + [("CallStatus", "completed"), ("CallDuration", str(rng.randrange(180))), ("Duration", "1")],
            outgoing + [("CallStatus", "in-progress")],
            outgoing + [("CallStatus", "in-progress"), ("Digits", rng.choice(["", "1", "2", "3", "9"]))],
            progress + [("CallStatus", rng.choice(["initiated", "ringing", "in-progress"]))],
            progress + [("CallStatus", status), ("CallDuration", "0"), ("SipResponseCode", "200")],
            arriving
            + [
                ("CallStatus", rng.choice(["in-progress", "completed"])),
                ("DialCallStatus", status),
                ("DialCallSid", owner_call),
                ("DialCallDuration", str(rng.randrange(180))),
                ("DialBridged", rng.choice(["true", "false"])),
            ],
        ]
    )
    fields = fields[:]
    if rng.random() < 0.5:
        rng.shuffle(fields)
    return fields


def number(rng, prefix):
    return f"{prefix}00{rng.randrange(100):02}"


def sid(rng):
    return uuid(rng).replace("-", "")


if __name__ == "__main__":
    write("twilio", vector, __doc__)
