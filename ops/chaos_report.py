#!/usr/bin/env python3
"""What ops/chaos makes of its rounds.

    ops/chaos_report.py round FILE             one line of what a round showed; exit code 1 if it failed, or sessions were
                                               lost
    ops/chaos_report.py judge STRIKE FILE...   whether, from half a minute after the strike, all was as before it; exit code 1
                                               if not, 3 if too little of all rounds tells

FILE is what `qnect-loadtest restart-herd --json` printed. How long people wait follows what the host of a virtual
machine takes more than any strike, so each five seconds from half a minute after a strike are held against those before it, of
all rounds, in which the host took as much.
"""

import json
import statistics
import sys

# The exit code for what tells nothing yet.
AGAIN = 3
# Five seconds are alike if what the host of a virtual machine took in them differs by so many percent of the machine at most.
ALIKE_PERCENT = 2
# Five seconds in which it took more than this tell nothing.
STOLEN_PERCENT = 35
# So many times five seconds after a strike must tell: two thirds of those of three rounds.
LOOKS_MIN = 14
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
    return reasons


def line(round_):
    """One round in one line."""
    recovery, calls = round_["recovery"], round_["calls"]
    sides = [recovery["looks_before"], recovery["looks_after"]]
    ms = [statistics.median(look["p99_us"] or 0 for look in looks) / 1000 for looks in sides]
    took = [statistics.mean(look["stolen_percent"] for look in looks) for looks in sides]
    parts = [
        f"p99 {ms[0]:.2f} ms before, with {took[0]:.0f} % of the machine taken by its host",
        f"{ms[1]:.2f} ms later, with {took[1]:.0f} %",
        f"the longest wait {recovery['longest_visit_us'] / 1e6:.2f} s",
        f"{recovery['sessions_given']} sessions given, {recovery['sessions_lost']} lost",
    ]
    if calls:
        parts.append(f"{calls['calls']} calls, {calls['cut_short']} cut short, {calls['failed']} failed")
    return "; ".join(parts)


def held_against(rounds):
    """How often as long people waited in each five seconds after the strike as in those before it in which the host took as
    much of the machine: one number for each five seconds for which there are such."""
    before, after = (
        [look for round_ in rounds for look in round_["recovery"][side] if look["p99_us"]]
        for side in ("looks_before", "looks_after")
    )
    times = []
    for look in after:
        alike = [
            peer["p99_us"]
            for peer in before
            if abs(peer["stolen_percent"] - look["stolen_percent"]) <= ALIKE_PERCENT
        ]
        if alike and look["stolen_percent"] <= STOLEN_PERCENT:
            times.append(look["p99_us"] / statistics.median(alike))
    return times


def judge(strike, rounds):
    """Prints what the rounds say together, and gives the exit code."""
    times = held_against(rounds)
    told = f"{strike}: {len(times)} times five seconds after it, in {len(rounds)} rounds"
    if len(times) < LOOKS_MIN:
        print(f"{told}, tell: fewer than {LOOKS_MIN}")
        return AGAIN
    middle = statistics.median(times)
    good = middle <= 1 + BACK_TO_PERCENT / 100 and not any(shows(round_) for round_ in rounds)
    print(f"{told}: p99 {middle:.2f} times that before it: {'' if good else 'not '}recovered")
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
