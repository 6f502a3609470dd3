#!/usr/bin/env python3
"""What ops/chaos makes of its rounds.

    ops/chaos_report.py round FILE             one line of what a round showed; exit code 1 if it failed, or sessions were
                                               lost
    ops/chaos_report.py judge STRIKE FILE...   whether, from half a minute after the strike, all was as before it; exit code 1
                                               if not, 3 if too little of all rounds tells

FILE is what `qnect-loadtest restart-herd --json` printed. What people wait for depends more on what the host takes than on
any strike, so all seconds before and after it in which the host took little are held against each other, of all rounds.
"""

import json
import os
import statistics
import sys

# The exit code for what tells nothing yet.
AGAIN = 3
# Five seconds in which the host of a virtual machine took more of it than this tell nothing.
STOLEN_PERCENT = float(os.environ.get("QNECT_CHAOS_STOLEN") or 5)
# So many times five seconds must tell, before the strike and after it: as many as one round on a quiet host has.
LOOKS_MIN = 7
# As before is a p99 of at most so many percent more.
BACK_TO_PERCENT = 10


def shows(round_):
    """What makes a round worth nothing or a failure by itself; nothing if all is well."""
    recovery, calls = round_["recovery"], round_["calls"]
    reasons = []
    # A generator that the host kept from running was late, and in seconds that tell nothing.
    if round_["invalid"] and recovery["tells"]:
        reasons.append(round_["invalid"])
    if round_["strike_failed"]:
        reasons.append(f"the strike failed: {round_['strike_failed']}")
    if recovery["sessions_lost"] or recovery["sessions_unknown"]:
        reasons.append(f"{recovery['sessions_lost']} sessions lost, {recovery['sessions_unknown']} unknown")
    if calls and not calls["good"]:
        told = f"{calls['failed']} failed {calls['failed_by_reason']}, {calls['webhooks_held']} webhooks came late"
        reasons.append(f"calls: {told}, {calls['webhooks_not_2xx']} were not taken")
    if recovery["tells"] and recovery["later_to_calm"] is None:
        reasons.append("too few visits to tell")
    return reasons


def line(round_):
    """One round in one line."""
    recovery, calls = round_["recovery"], round_["calls"]
    quiet_of = [len(quiet([round_], side)) for side in ("looks_before", "looks_after")]
    ms = [f"{(recovery[name] or 0) / 1000:.2f}" for name in ("calm_p99_us", "later_p99_us")]
    back = recovery["back_after_s"]
    parts = [
        f"p99 {ms[0]} ms before, {ms[1]} ms later: {recovery['later_to_calm'] or 0:.2f} times",
        "never as before" if back is None else f"as before from {back} s",
        f"the longest wait {recovery['longest_visit_us'] / 1e6:.2f} s",
        f"{recovery['sessions_given']} sessions given, {recovery['sessions_lost']} lost",
        f"{quiet_of[0]} and {quiet_of[1]} times five seconds tell",
    ]
    if calls:
        parts.append(f"{calls['calls']} calls, {calls['cut_short']} cut short, {calls['failed']} failed")
    return "; ".join(parts)


def quiet(rounds, side):
    """The p99 of all five seconds of one side in which the host left the machine alone, in microseconds."""
    looks = [look for round_ in rounds for look in round_["recovery"][side]]
    return [look["p99_us"] for look in looks if look["p99_us"] and look["stolen_percent"] <= STOLEN_PERCENT]


def judge(strike, rounds):
    """Prints what the rounds say together, and gives the exit code."""
    before, after = (quiet(rounds, side) for side in ("looks_before", "looks_after"))
    told = f"{strike}: {len(before)} times five seconds before and {len(after)} after it, in {len(rounds)} rounds"
    if min(len(before), len(after)) < LOOKS_MIN:
        print(f"{told}, tell: fewer than {LOOKS_MIN}")
        return AGAIN
    middle = [statistics.median(side) / 1000 for side in (before, after)]
    times = middle[1] / middle[0]
    good = times <= 1 + BACK_TO_PERCENT / 100 and not any(shows(round_) for round_ in rounds)
    print(f"{told}: p99 {middle[0]:.2f} ms and {middle[1]:.2f} ms, {times:.2f} times: {'' if good else 'not '}recovered")
    return 0 if good else 1


def main():
    """The two commands above."""
    command, *rest = sys.argv[1:]
    if command == "round":
        with open(rest[0], encoding="utf-8") as file:
            round_ = json.load(file)
        print(line(round_))
        reasons = shows(round_)
        for reason in reasons:
            print(f"  {reason}")
        return bool(reasons)
    strike, *files = rest
    rounds = []
    for name in files:
        with open(name, encoding="utf-8") as file:
            rounds.append(json.load(file))
    return judge(strike, rounds)


if __name__ == "__main__":
    sys.exit(main())
