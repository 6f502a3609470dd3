"""Checks the last line of `qnect demo --once --owner OWNER`, given on standard input."""

import json
import sys

EXPECTED = {
    "answers": {"bridged": True, "masked": True, "outcome": "completed"},
    "declines": {"bridged": False, "outcome": "declined"},
    "busy": {"bridged": False, "outcome": "busy"},
    "silent": {"bridged": False, "outcome": "no_answer"},
    "voicemail": {"bridged": False, "outcome": "no_answer"},
}
KEYS = {
    "bridged",
    "masked",
    "outcome",
    "session",
    "scan_url",
    "number",
    "access_code",
    "owner_saw",
    "scanner_saw",
    "talk_seconds",
}


def complaints(owner, line):
    try:
        told = json.loads(line)
    except ValueError:
        return [f"the last line is not JSON: {line!r}"]
    if not isinstance(told, dict):
        return [f"the last line is not an object: {line!r}"]
    wrong = [f"no key {key}" for key in sorted(KEYS - told.keys())]
    for key, value in EXPECTED[owner].items():
        if told.get(key) != value:
            wrong.append(f"{key} is {told.get(key)!r}, not {value!r}")
    return wrong


if __name__ == "__main__":
    owner = sys.argv[1]
    wrong = complaints(owner, sys.stdin.read())
    if wrong:
        sys.exit(f"demo, owner {owner}: " + "; ".join(wrong))
    print(f"demo, owner {owner}: {EXPECTED[owner]['outcome']}, as it must be")
