#!/usr/bin/env python3
"""What ops/chaos makes of its rounds.

    ops/chaos_report.py round FILE             one line of what a round showed; exit code 1 if it failed, or sessions were
                                               lost; 3 if the host took too much of the machine to tell how people wait
    ops/chaos_report.py judge STRIKE FILE...   whether in most of them all was as before in time; exit code 1 if not

FILE is what `qnect-loadtest restart-herd --json` printed: whether a round was good is what that says, by its own bounds.
"""

import json
import statistics
import sys

# The exit code for a round that may be played again.
AGAIN = 3


def shows(round_):
    """What makes a round worth nothing or a failure by itself; nothing if all is well."""
    recovery, calls = round_["recovery"], round_["calls"]
    reasons = []
    if round_["invalid"]:
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
    ms = [f"{(recovery[name] or 0) / 1000:.2f}" for name in ("calm_p99_us", "later_p99_us")]
    back = recovery["back_after_s"]
    parts = [
        f"p99 {ms[0]} ms before, {ms[1]} ms later: {recovery['later_to_calm'] or 0:.2f} times",
        "never as before" if back is None else f"as before from {back} s",
        {True: "in time", False: "late", None: "in time or not is not told"}[recovery["in_time"]],
        f"the longest wait {recovery['longest_visit_us'] / 1e6:.2f} s",
        f"{recovery['sessions_given']} sessions given, {recovery['sessions_lost']} lost",
        f"{recovery['told_before']} and {recovery['told_after']} times five seconds tell",
    ]
    if calls:
        parts.append(f"{calls['calls']} calls, {calls['cut_short']} cut short, {calls['failed']} failed")
    return "; ".join(parts)


def judge(strike, rounds):
    """Prints what most of the rounds say; whether it is good."""
    recoveries = [round_["recovery"] for round_ in rounds]
    recovered = sum(recovery["good"] for recovery in recoveries)
    good = 2 * recovered > len(rounds) and not any(shows(round_) for round_ in rounds)
    times = statistics.median(recovery["later_to_calm"] or float("inf") for recovery in recoveries)
    word = "recovered" if good else "not recovered"
    print(f"{strike}: as before in time in {recovered} rounds of {len(rounds)} ({times:.2f} times, the median): {word}")
    return good


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
        # A generator that the host kept from running is late, and that is nothing else than the host's.
        if not round_["recovery"]["tells"] and reasons in ([], [round_["invalid"]]):
            return AGAIN
        return bool(reasons)
    strike, *files = rest
    rounds = []
    for name in files:
        with open(name, encoding="utf-8") as file:
            rounds.append(json.load(file))
    return not judge(strike, rounds)


if __name__ == "__main__":
    sys.exit(main())
