"""Measures of delivery, written from the manual's page `insight` alone.

    delivery.py LOG REPOSITORY FROM UNTIL INSIGHT

LOG is what `git docket log -o json` prints, INSIGHT what `git docket insight -o json` does; FROM and UNTIL are times. Ends at
the first figure that is not the same; prints how many were. The ledger's policy requires C05 alone, entries are in the order of
their times, and none was corrected.
"""

import json, math, subprocess, sys
from collections import defaultdict
from datetime import datetime, timedelta

log, repository, begin, end, insight = sys.argv[1:]
entries = sorted((json.loads(line) for line in open(log)), key=lambda entry: entry["seq"])
BAD = {"degraded", "outage", "rollback", "hotfix", "security"}
STRENGTH = ["none", "unknown", "assisted", "autonomous"]
KINDS = {"wait": "spread", "change-lead-time": "spread", "failed": "spread", "deployment-frequency": "count", "changes-authored": "count", "changes-delivered": "count"}
STAGES = {"change": "change", "review": "review", "approval": "approval", "landing": "landing", "link": "build"}

def unix(text):
    return int(datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp())

def kind(entry):
    return entry["statement"]["predicateType"].rstrip("/").split("/")[-2]

begin, end = unix(begin), unix(end)
for entry in entries:
    entry["kind"] = kind(entry) if "statement" in entry else None
    entry["said"] = entry.get("statement", {}).get("predicate", {})
    entry["at"] = unix(entry["time"])
    entry["digests"] = {s["digest"].get("sha256") for s in entry.get("statement", {}).get("subjects", [])} - {None}

def of(wanted):
    return [entry for entry in entries if entry["kind"] == wanted]

git = subprocess.run(["git", "-C", repository, "log", "--first-parent", "--reverse", "--format=%H %ct", "main"], capture_output=True, text=True, check=True)
line, committed = [], {}
for row in git.stdout.splitlines():
    commit, time = row.split()
    line.append(commit)
    committed[commit] = int(time)
height = {commit: at for at, commit in enumerate(line)}
bare = lambda name: name.split(":")[1]

# -- changes

changes = {}
for entry in of("change"):
    said = entry["said"]
    changes[said["id"]] = {"id": said["id"], "entry": entry, "head": bare(said["head"]["commit"]), "tree": said["head"]["tree"], "landing": None, "reached": [], "services": set()}
for entry in of("landing"):
    changes[entry["said"]["changeId"]]["landing"] = entry
for change in changes.values():
    about = [entry for entry in entries if bare(entry["commit"]) == change["head"]]
    kinds = [entry["said"]["kind"] for entry in about if entry["kind"] == "ai-assistance"]
    change["cohort"] = max(kinds, key=STRENGTH.index) if kinds else "unknown"
    change["about"] = about
    change["start"] = min(committed.get(change["head"], change["entry"]["at"]), change["entry"]["at"])
    approvals = [e for e in of("approval") if e["said"]["covers"]["tree"] == change["tree"]]
    reviews = [e for e in of("review") if e["said"]["covers"]["tree"] == change["tree"] and e["said"]["verdict"] == "approve"]
    change["approved"] = bool(approvals or reviews)
    change["approvals"] = approvals

# -- deployments

shipped = [e for e in of("deployment") if e["said"]["environment"].get("tier") == "prod" and e["said"]["result"] != "aborted"]
for entry in shipped:
    entry["end"] = unix(entry["said"]["finishedOn"])
shipped.sort(key=lambda entry: (entry["end"], entry["seq"]))
last, highest = {}, -1
for entry in shipped:
    said, entry["brought"] = entry["said"], set()
    digest = said["artifact"]["digest"]["sha256"]
    if said["result"] == "success":
        entry["brought"] |= {name for name in said.get("changes", []) if name in changes}
        commits = {bare(e["commit"]) for e in of("link") if digest in e["digests"]}
        for top in [height[commit] for commit in commits if commit in height]:
            above = last.get(said["service"], highest)
            for change in changes.values():
                if change["landing"] and change["head"] in height and above < height[change["head"]] <= top:
                    entry["brought"].add(change["id"])
            last[said["service"]] = top
            highest = max(highest, top)
    cohorts = [changes[name]["cohort"] for name in entry["brought"]]
    entry["cohort"] = max(cohorts, key=STRENGTH.index) if cohorts else "unknown"
    for name in entry["brought"]:
        if said["service"] not in changes[name]["services"]:
            changes[name]["services"].add(said["service"])
            changes[name]["reached"].append(entry)

roots = {entry["attestation"]: [entry] for entry in shipped}
told = defaultdict(list)
for entry in of("outcome"):
    named = [entry["said"][field]["attestation"] for field in ("about", "causedBy") if field in entry["said"]]
    roots[entry["attestation"]] = [root for name in named for root in roots.get(name, [])]
    for root in {root["seq"] for root in roots[entry["attestation"]]}:
        told[root].append(entry["said"])
for at, entry in enumerate(shipped):
    said, mine = entry["said"], told[entry["seq"]]
    after = [e for e in shipped[at + 1 :] if e["said"]["service"] == said["service"]]
    bad = [outcome for outcome in mine if outcome["kind"] in BAD]
    spoken = [unix(e["said"]["detectedOn"]) for e in of("outcome") if e["said"]["service"] == said["service"]]
    failed = said["result"] == "failure"
    if failed or bad or (after and after[0]["said"]["reason"] != "planned"):
        entry["fate"] = True
    else:
        entry["fate"] = False if mine or any(time >= entry["end"] for time in spoken) else None
    noticed = [unix(outcome["detectedOn"]) for outcome in bad] or [entry["end"]]
    ends = [unix(o["restoredOn"]) for o in mine if "restoredOn" in o] + [unix(o["detectedOn"]) for o in mine if o["kind"] == "recovered"]
    ends = [time for time in ends if time >= max(noticed)]
    mends = [e["end"] for e in after if e["said"]["result"] == "success" and (failed or e["said"]["reason"] != "planned")]
    until = max(ends) if ends else mends[0] if mends and mends[0] >= max(noticed) else None
    entry["recovery"] = None if until is None else until - min(noticed)

# -- observations: measure, when, services, whole, cohort, what

seen = []
for change in changes.values():
    add = lambda measure, at, what: seen.append((measure, at, change["services"], True, change["cohort"], what))
    add("changes-authored", change["entry"]["at"], True)
    if change["landing"]:
        add("controls-held", change["landing"]["at"], change["approved"])
    for entry in change["approvals"]:
        own = {change["entry"]["attestation"]}
        looked = any(e["seq"] < entry["seq"] and e["said"]["covers"]["tree"] == change["tree"] for e in of("review"))
        looked |= any(basis["attestation"] not in own for basis in entry["said"].get("basis", []))
        add("approvals-that-looked-at-nothing", entry["at"], not looked)
    for nth, entry in enumerate(change["reached"]):
        first = lambda measure, what: seen.append((measure, entry["end"], {entry["said"]["service"]}, nth == 0, change["cohort"], what))
        if entry["end"] < change["start"]:
            first("change-lead-time", None)
            continue
        first("change-lead-time", entry["end"] - change["start"])
        if change["approved"]:
            first("changes-delivered-with-controls", True)
        digest = entry["said"]["artifact"]["digest"]["sha256"]
        made = [e for e in entries if e["seq"] not in {x["seq"] for x in change["about"]} and digest in e["digests"]]
        steps = [(max(e["at"], change["start"]), e["seq"], STAGES[e["kind"]]) for e in change["about"] + made if e["kind"] in STAGES and e["at"] <= entry["end"]]
        waited, before = defaultdict(int), change["start"]
        for time, _, stage in sorted(steps) + [(entry["end"], 0, "deploy")]:
            waited[stage] += time - before
            before = time
        for stage, seconds in waited.items():
            first("wait-" + stage, seconds)
for entry in shipped:
    add = lambda measure, what: seen.append((measure, entry["end"], {entry["said"]["service"]}, True, entry["cohort"], what))
    if entry["said"]["result"] == "success":
        add("deployment-frequency", True)
    add("change-fail-rate", entry["fate"])
    add("deployment-rework-rate", entry["said"]["reason"] != "planned")
    if entry["fate"]:
        add("failed-deployment-recovery-time", entry["recovery"])

# -- figures

def figure(measure, what):
    known = [one for one in what if one is not None]
    n, result = len(known), {"n": len(known), "unknown": len(what) - len(known), "few": len(known) < 10}
    form = next((form for start, form in KINDS.items() if measure.startswith(start)), "rate")
    if form == "count":
        result["value"] = round(n / ((end - begin) / 604800), 4)
    elif form == "rate":
        result["hits"] = hits = sum(known)
        if n:
            p, z = hits / n, 1.959963984540054
            half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
            scale = 1 + z * z / n
            result["value"] = p
            result["low"], result["high"] = (p + z * z / (2 * n) - half) / scale, (p + z * z / (2 * n) + half) / scale
    elif n:
        known.sort()
        result["value"], result["p90"] = known[math.ceil(n * 0.5) - 1], known[-(-n * 9 // 10) - 1]
    return result

same = 0
for group in json.load(open(insight))["groups"]:
    service, cohort = group.get("service"), group.get("cohort")
    for measured in group["measures"]:
        mine = [
            what for measure, at, services, whole, kind, what in seen
            if measure == measured["measure"] and begin <= at < end and (cohort in (None, kind)) and (service in services if service else whole)
        ]
        known = {measure for measure, *_ in seen}
        if measured["measure"] not in known:
            continue
        for field, value in figure(measured["measure"], mine).items():
            theirs = measured.get(field)
            if theirs is None or abs(theirs - value) > 0.00006:
                sys.exit(f"{service} {cohort} {measured['measure']} {field}: {theirs}, not {value}")
            same += 1
print(same)
