#!/usr/bin/env python3
"""What ops/bench found, for people: each pair as it comes, each row, and the pages benches/RESULTS.md and CAPACITY.md.

bench_report.py pair ROW NUMBER WORK    one pair of runs: prints it, and remembers it in WORK/ROW.pairs
bench_report.py row ROW WORK            one row: prints it, and keeps it in $CARGO_TARGET_DIR/bench/ROW.json
bench_report.py write | capacity        the pages, from what is kept
bench_report.py list                    JSON objects, one a line, as one list
bench_report.py criterion FOLDER        the medians below a folder of criterion's, in nanoseconds
bench_report.py ask PORT REQUESTS OUT   sends the first request of a file; the answer goes to OUT.head and OUT.body
"""

import json
import os
import pathlib
import socket
import statistics
import subprocess
import sys

# What is measured, which way is better, what it must reach at least, and what is aimed at. A ratio if nothing else is
# said.
ROWS = {
    "json": (
        "`GET /q/{code}` JSON over 50,000 tags, recorded and measured / bare hyper, same bytes",
        "up",
        [0.70],
        [0.90],
    ),
    "html": ("`GET /q/{code}` HTML page / bare hyper, same bytes", "up", [0.65], [0.90]),
    "tls": ("new connection + TLS 1.3 + page / bare hyper + rustls", "up", [0.90], [1.0]),
    "sessions": (
        "`POST /q/{code}/sessions`, durable, 256 connections, 256 numbers / bare hyper POST",
        "up",
        [0.35],
        [0.60],
    ),
    "webhook": ("signed Plivo answer webhook, durable, 256 connections / bare hyper POST", "up", [0.30], [0.55]),
    "calls": (
        "whole masked calls a second x their requests, every required commit / bare hyper POST",
        "up",
        [0.25],
        [0.50],
    ),
    "forged": ("forged codes / bare hyper 404", "up", [0.95], [1.0]),
    "memory": ("resident bytes per active idle tag", "down", [1_400], [1_100]),
    "revivals": ("revivals a second from a cold store", "up", [50_000], [150_000]),
    "core": ("one scan decision; one session event in the core (ns)", "down", [300, 200], [100, 60]),
    "allocations": ("heap allocations per JSON scan in our code, steady state", "down", [12], [4]),
    "sigterm": ("SIGTERM at peak: acknowledged and lost; time to exit (s)", "down", [0, 10], [0, 3]),
}
# A run before which somebody used more of the machine than this says so.
BUSY_PERCENT = 10
# A pair in which the host of a virtual machine took more of it than this tells nothing (`steal` in proc_stat(5)).
STOLEN_PERCENT = float(os.environ.get("QNECT_BENCH_STOLEN") or 5)
# The exit codes for a pair that may be run again: a request failed, or the host took too much.
AGAIN, STOLEN = 3, 4
# Processor time for an answer, in microseconds, that a page mentions when it was spent after the run.
LATER_US = 0.5
# How long two people talk on average, for the lines that calls take; and ringing, keying and hearing before that.
TALK_SECONDS, SETUP_SECONDS = 90, 20
# Of the memory of a machine, so much is for tags; the rest is for the store, connections and sessions.
MEMORY_FOR_TAGS = 0.5


def main():
    command, *arguments = sys.argv[1:]
    commands = {
        "pair": pair,
        "row": row,
        "write": write,
        "capacity": capacity,
        "list": collect,
        "criterion": criterion,
        "ask": ask,
    }
    commands[command](*arguments)


def pair(name, number, work):
    runs = {side: run(work, side) for side in ("engine", "bare")}
    engine, bare = runs["engine"], runs["bare"]
    for side, told in runs.items():
        print(
            f"pair {number}: {side:6} {told['per_second']:7.0f}/s, p50 {told['p50_us']} us, p99 {told['p99_us']} us, "
            f"processor {told['cpu_us']:.2f} us each, the host took {told['stolen_share']:.1%}"
        )
        if told["errors"]:
            print(f"{side}: {told['errors']} requests failed or were refused, so that this pair counts for nothing")
            sys.exit(AGAIN)
        if told["stolen_share"] * 100 > STOLEN_PERCENT:
            print(f"{side}: the host took more than {STOLEN_PERCENT:g} % of the machine, so that this pair counts for nothing")
            sys.exit(STOLEN)
    # A few answers may be cut by the end of a run; a refusal or another page would change every answer. A call has
    # answers of many sizes, and bare hyper has one.
    if name != "calls" and abs(engine["bytes_each"] / bare["bytes_each"] - 1) > 0.005:
        sys.exit(f"not the same bytes: {engine['bytes_each']} and {bare['bytes_each']} an answer")
    rate, cpu = engine["per_second"] / bare["per_second"], engine["cpu_us"] / bare["cpu_us"]
    print(f"pair {number}: rate {rate:.3f} of bare hyper's, processor time {cpu:.2f} of its")
    with open(f"{work}/{name}.pairs", "a") as pairs:
        pairs.write(json.dumps({"rate": rate, "cpu": cpu, **runs}) + "\n")


def run(work, side):
    """What a generator saw of one side, and what the server and the machine did meanwhile."""
    told = json.loads(pathlib.Path(work, f"{side}.json").read_text())
    before, after = (
        list(map(float, pathlib.Path(work, f"{side}.{when}").read_text().split())) for when in ("before", "after")
    )
    ticks, busy, machine, stolen, commits = (b - a for a, b in zip(before, after))
    rested = float(pathlib.Path(work, f"{side}.rested").read_text()) - before[0]
    told["cpu_us"], told["cpu_later_us"] = (
        spent / os.sysconf("SC_CLK_TCK") * 1e6 / told["requests"] for spent in (rested, rested - ticks)
    )
    # Of a machine whose every core is busy all the time.
    told["server_share"], told["machine_share"] = ticks / machine, busy / machine
    told["stolen_share"] = stolen / machine
    told["commit_share"] = commits / told["seconds"]
    return told


def row(name, work):
    pairs_file = pathlib.Path(work, f"{name}.pairs")
    found = {"row": name}
    if pairs_file.exists():
        found["pairs"] = [json.loads(line) for line in pairs_file.read_text().splitlines()]
        found["again"] = int(pathlib.Path(work, f"{name}.again").read_text())
    else:
        found["found"] = json.loads(pathlib.Path(work, "result.json").read_text())
    busy = float(os.environ["QNECT_BENCH_BUSY"])
    found |= {
        "run": os.environ["QNECT_BENCH_RUN"],
        "busy": busy,
        "commit": commit(),
        "machine": machine(),
        "setting": setting(),
    }
    values = values_of(found)
    (kept() / f"{name}.json").write_text(json.dumps(found))
    print(
        f"{name}: {shown(values)} (at least {shown(ROWS[name][2])}, aim {shown(ROWS[name][3])}): "
        f"{verdict(name, values)}"
    )
    if busy > BUSY_PERCENT:
        print(f"{name}: somebody else used {busy:.0f} % of the machine before")


def values_of(found):
    """The figures of a row, as the table has them."""
    name = found["row"]
    if "pairs" in found:
        return [statistics.median(pair["rate"] for pair in found["pairs"])]
    told = found["found"]
    if name == "memory":
        return [(told["visited_kib"] - told["ready_kib"]) * 1024 / told["tags"]]
    if name == "revivals":
        if any(one["errors"] for one in told):
            sys.exit("revivals: some tags were not revived")
        return [statistics.median(one["per_second"] for one in told)]
    if name == "core":
        return [told["scan decision"], told["a call's four events"] / 4]
    if name == "allocations":
        return [told["each"]]
    for one in told:
        if one["exit_code"] != 0:
            sys.exit(f"sigterm: exit code {one['exit_code']}")
    # Whatever happened once can happen: the sum of what was lost, and the longest time.
    lost = sum(one["given"]["requests"] - one["found"]["requests"] for one in told)
    return [lost, max(one["exit_ms"] for one in told) / 1000]


def verdict(name, values):
    _, better, least, aim = ROWS[name]

    def reaches(wanted):
        return all(value >= want if better == "up" else value <= want for value, want in zip(values, wanted))

    return "aim" if reaches(aim) else "yes" if reaches(least) else "**no**"


def shown(values):
    def one(value):
        return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.2f}"

    return "; ".join(one(value) for value in values)


def write():
    found = {name: json.loads(file.read_text()) for name in ROWS if (file := kept() / f"{name}.json").exists()}
    if not found:
        sys.exit("nothing has been measured yet: ops/bench")
    pages = pathlib.Path("benches")
    (pages / "RESULTS.md").write_text(results(found))
    print("wrote benches/RESULTS.md")
    write_capacity(found, pages)


def capacity():
    found = {name: json.loads(file.read_text()) for name in ROWS if (file := kept() / f"{name}.json").exists()}
    write_capacity(found, pathlib.Path("benches"))


def results(found):
    lines = [
        "# How fast it is",
        "",
        "Written by `ops/bench`, which says how each row is measured. A ratio is the median of pairs of runs, the engine and",
        "bare hyper in turn on one machine, whose processors they share with what drives them. A generator that is a batch job",
        "waits for its turn when an answer wakes it; another takes the server's place. What the host of a virtual machine gives to",
        "others (`steal` in proc_stat(5)) is missing to whoever is measured: a pair in which it took too much is run again.",
        "",
    ]
    machines = {told["machine"] for told in found.values()}
    lines += [f"Machine: {told}" for told in sorted(machines)]
    lines += ["", "| what | measured | at least | aim | reached | when, commit |", "|---|---|---|---|---|---|"]
    for name, (what, _, least, aim) in ROWS.items():
        told = found.get(name)
        if told is None:
            lines.append(f"| {what} | not measured | {shown(least)} | {shown(aim)} | | |")
            continue
        values = values_of(told)
        if name == "memory":
            what += f" at {told['found']['tags']:,}"
        lines.append(
            f"| {what} | {shown(values)} | {shown(least)} | {shown(aim)} | {verdict(name, values)} "
            f"| {told['run']}, {told['commit']} |"
        )
    for name, told in found.items():
        lines += ["", f"## {name}", "", *details(told)]
    return "\n".join(lines) + "\n"


def details(told):
    lines = [f"{told['setting']}; {told['busy']:.0f} % of the machine was used by others before."]
    if told["busy"] > BUSY_PERCENT:
        lines[-1] += " **Somebody else used the machine: measure again.**"
    lines.append("")
    if "pairs" in told:
        cpu = statistics.median(pair["cpu"] for pair in told["pairs"])
        lines += [f"Processor time of the server for an answer: {cpu:.2f} of bare hyper's.", ""]
        later = statistics.median(pair["engine"].get("cpu_later_us", 0) for pair in told["pairs"])
        if later >= LATER_US:
            lines[-2] += f" Of the engine's, {later:.1f} us were spent after the run, on what it had left."
        if told["again"]:
            lines[-2] += f" Pairs run again, because a request failed or the host took too much: {told['again']}."
        lines += [
            "| pair | | answers a second | p50 | p99 | processor each | host took | rate of bare | processor of bare |",
            "|---|---|---|---|---|---|---|---|---|",
        ]
        for number, pair in enumerate(told["pairs"], 1):
            for side in ("engine", "bare"):
                one = pair[side]
                ratios = f"{pair['rate']:.3f} | {pair['cpu']:.2f}" if side == "engine" else "|"
                lines.append(
                    f"| {number} | {side} | {one['per_second']:,.0f} | {one['p50_us']:,} us | {one['p99_us']:,} us "
                    f"| {one['cpu_us']:.2f} us | {took(one)} | {ratios} |"
                )
        return lines
    found = told["found"]
    if told["row"] == "core":
        return (
            lines
            + ["| criterion | median |", "|---|---|"]
            + [f"| {name} | {ns:,.1f} ns |" for name, ns in found.items()]
        )
    if told["row"] == "revivals":
        return lines + [
            f"- {one['tags']:,} tags in {one['seconds']} s: {one['per_second']:,} a second, "
            f"{one['at_once']} at once, through the engine as a library"
            for one in found
        ]
    if told["row"] == "memory":
        return lines + [
            f"{found['tags']:,} tags: {found['ready_kib']:,} KiB when ready, {found['visited_kib']:,} KiB after each "
            f"was looked at once, from 100,000 addresses."
        ]
    if told["row"] == "allocations":
        return lines + [
            f"{found['engine']} a scan with the engine, {found['bare']} with bare hyper, over {found['scans']:,} scans."
        ]
    return lines + [
        f"- {one['given']['requests']:,} sessions were given ({one['given']['per_second']:,} a second) until the end, which "
        f"took {one['exit_ms']:,} ms; {one['found']['requests']:,} of them were there after a restart"
        for one in found
    ]


def took(one):
    """What the host took meanwhile; rows of earlier programs do not say."""
    return f"{one['stolen_share']:.1%}" if "stolen_share" in one else "unknown"


def write_capacity(found, pages):
    wanted = ("memory", "json", "sessions", "calls")
    parts = [found.get(name) for name in wanted]
    if None in parts or len({told["run"] for told in parts}) > 1:
        print(
            "benches/CAPACITY.md is left as it is: it wants memory, json, sessions and calls of one run "
            "(ops/bench capacity)"
        )
        return
    (pages / "CAPACITY.md").write_text(capacity_page(*parts))
    print("wrote benches/CAPACITY.md")


def capacity_page(memory, scans, sessions, calls):
    bytes_each = values_of(memory)[0]
    memory_bytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    tags = memory_bytes * MEMORY_FOR_TAGS / bytes_each

    def median(told, key):
        return statistics.median(pair["engine"][key] for pair in told["pairs"])

    calls_a_second = statistics.median(pair["engine"]["calls"] / pair["engine"]["seconds"] for pair in calls["pairs"])
    requests_each = statistics.median(pair["engine"]["requests"] / pair["engine"]["calls"] for pair in calls["pairs"])
    call_seconds = TALK_SECONDS + SETUP_SECONDS
    at_once = calls_a_second * call_seconds
    lines = [
        "# What one machine holds",
        "",
        f"Written by `ops/bench` from rows of one run ({calls['run']}, {calls['commit']}), with the generator on the same",
        "machine: a server that is driven from elsewhere holds more.",
        "",
        f"Machine: {calls['machine']}; {memory_bytes / 2**30:.1f} GiB of memory. Setting: {calls['setting']}.",
        "",
        "| what | how much |",
        "|---|---|",
        f"| tags in memory, at {bytes_each:,.0f} bytes each in half of the memory | {tags / 1e6:,.1f} million |",
        f"| looks at stickers a second (JSON) | {median(scans, 'per_second'):,.0f} |",
        f"| sessions a second, each on the disk before it is given | {median(sessions, 'per_second'):,.0f} |",
        f"| whole masked calls a second, of {requests_each:.0f} requests each | {calls_a_second:,.0f} |",
        f"| calls on at once at that rate, {TALK_SECONDS} s of talk and {SETUP_SECONDS} s before it | {at_once:,.0f} |",
        f"| lines that the provider would have to have for them, two a call | {2 * at_once:,.0f} |",
        "",
        f"**Lines against requests.** An account of 50 lines carries 25 calls at once, {25 / call_seconds:.2f} a second: this",
        f"machine serves {at_once / 25:,.0f} such accounts before it is full. Lines run out first.",
        "",
        "## What runs out first on the machine",
        "",
        "| row | server's share of the processors | all of the machine's | a commit was under way | first exhausted |",
        "|---|---|---|---|---|",
    ]
    for name, told in (("looks", scans), ("sessions", sessions), ("calls", calls)):
        server, machine_share, commits = (
            median(told, key) for key in ("server_share", "machine_share", "commit_share")
        )
        shares = f"{server:.0%} | {machine_share:.0%} | {commits:.0%} of the time"
        lines.append(f"| {name} | {shares} | {exhausted(machine_share, commits)} |")
    lines += [
        "",
        "The machine's share is the server's and the generator's. A commit that is always under way is a disk that is always",
        "waited for; while one is written the next one gathers, so that more work then means larger commits before it means",
        "slower ones.",
    ]
    return "\n".join(lines) + "\n"


def exhausted(machine_share, commits):
    if machine_share >= 0.9:
        return "the processors"
    return "the disk" if commits >= 0.9 else "neither: 256 people who wait for answers ask for no more"


def collect():
    print(json.dumps([json.loads(line) for line in sys.stdin if line.strip()]))


def criterion(folder):
    medians = {}
    for file in sorted(pathlib.Path(folder).glob("*/new/estimates.json")):
        told = json.loads((file.parent / "benchmark.json").read_text())
        medians[told["full_id"]] = json.loads(file.read_text())["median"]["point_estimate"]
    print(json.dumps(medians))


def ask(port, requests, out):
    text = pathlib.Path(requests).read_bytes()
    with socket.create_connection(("127.0.0.1", int(port)), timeout=10) as stream:
        stream.sendall(text[: length_of(text)])
        answer = b""
        while length_of(answer) is None or len(answer) < length_of(answer):
            answer += stream.recv(65536) or sys.exit("no whole answer")
    head, body = answer.split(b"\r\n\r\n", 1)
    pathlib.Path(f"{out}.head").write_bytes(head + b"\r\n\r\n")
    pathlib.Path(f"{out}.body").write_bytes(body)


def length_of(message):
    """How long the message is that `message` begins with; None before its head is whole."""
    head, end, _ = message.partition(b"\r\n\r\n")
    if not end:
        return None
    lengths = [line.split(b":")[1] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    return len(head) + 4 + (int(lengths[0]) if lengths else 0)


def kept():
    return pathlib.Path(os.environ["CARGO_TARGET_DIR"], "bench")


def setting():
    words = {
        "PAIRS": "{} pairs",
        "SECONDS": "{} s each",
        "OWNERS": "{} owners",
        "WEBHOOKS": "{} webhooks each",
        "GENERATOR": "generators are {} jobs",
        "STOLEN": "a host may take {} %",
    }
    asked = {name: os.environ.get(f"QNECT_BENCH_{name}") for name in words}
    return ", ".join(words[name].format(value) for name, value in asked.items() if value)


def commit():
    told = subprocess.run(
        ["git", "describe", "--always", "--dirty=+changes", "--exclude=*"], capture_output=True, text=True, check=False
    )
    return told.stdout.strip() or "no commit"


def machine():
    model = next(
        (line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")),
        "unknown processor",
    )
    return f"{os.cpu_count()} cores of {model}, Linux {os.uname().release}"


if __name__ == "__main__":
    main()
