"""Checks a file in the trace event format, as a viewer would read it."""

import math
from collections import defaultdict

LASTING = "X"
ARROW = ("s", "t", "f")
NEEDED = {
    "X": {"name", "pid", "tid", "ts", "dur"},
    "i": {"name", "pid", "tid", "ts", "s"},
    "C": {"name", "pid", "ts", "args"},
    "s": {"name", "cat", "id", "pid", "tid", "ts"},
    "t": {"name", "cat", "id", "pid", "tid", "ts"},
    "f": {"name", "cat", "id", "pid", "tid", "ts", "bp"},
    "B": {"name", "pid", "tid", "ts"},
    "E": {"pid", "tid", "ts"},
}


def problems_of(file):
    """List what is wrong with a trace file's JSON; empty if a viewer shows all of it in its place."""
    events = [event for event in file["traceEvents"] if event["ph"] != "M"]
    return [
        *_fields(events),
        *_unnamed(file["traceEvents"]),
        *_unsorted(events),
        *_unbalanced(events),
        *_overlapping(events),
        *_arrows(events),
    ]


def _fields(events):
    for event in events:
        missing = NEEDED[event["ph"]] - event.keys()
        if missing:
            yield f"{event} lacks {missing}"
        numbers = [event.get("ts", 0), event.get("dur", 0), *(event["args"].values() if event["ph"] == "C" else ())]
        if not all(math.isfinite(number) for number in numbers) or event.get("dur", 0) < 0:
            yield f"{event} has a time or a number that is none"


def _unnamed(events):
    """Every process and every track must have a name, and tracks must not change their process."""
    names = {"process_name": set(), "thread_name": set()}
    for event in events:
        if event["ph"] == "M" and event["name"] in names and event["args"]["name"]:
            names[event["name"]].add((event["pid"], event["tid"]) if "tid" in event else event["pid"])
    for event in events:
        if event["pid"] not in names["process_name"]:
            yield f"the process of {event} has no name"
        if "tid" in event and (event["pid"], event["tid"]) not in names["thread_name"]:
            yield f"the track of {event} has no name"


def _unsorted(events):
    newest = defaultdict(lambda: -math.inf)
    for event in events:
        track = event["pid"], event.get("tid", event["name"])
        if event["ts"] < newest[track]:
            yield f"{event} is before the one that precedes it on its track"
        newest[track] = event["ts"]


def _unbalanced(events):
    """Every B must have its E."""
    deep = defaultdict(int)
    for event in events:
        deep[event["pid"], event.get("tid")] += {"B": 1, "E": -1}.get(event["ph"], 0)
        if deep[event["pid"], event.get("tid")] < 0:
            yield f"{event} ends nothing"
    yield from (f"track {track} has a B without its E" for track, depth in deep.items() if depth > 0)


def _overlapping(events):
    """Slices of one track must follow one another or be nested."""
    open_ends = defaultdict(list)
    for event in events:
        if event["ph"] == LASTING:
            ends, until = open_ends[event["pid"], event["tid"]], event["ts"] + event["dur"]
            while ends and ends[-1] <= event["ts"]:
                ends.pop()
            if ends and until > ends[-1]:
                yield f"{event} overlaps the slice before it"
            ends.append(until)


def _arrows(events):
    """An arrow begins once and ends once, later or at once, and each of its points lies in the slice before it."""
    phases, last, slices = defaultdict(list), {}, {}
    for event in events:
        track = event["pid"], event.get("tid")
        if event["ph"] == LASTING:
            slices[track] = event
        elif event["ph"] in ARROW:
            arrow = event["cat"], event["name"], event["id"]
            phases[arrow].append(event["ph"])
            place = slices.get(track)
            if place is None or not place["ts"] <= event["ts"] <= place["ts"] + place["dur"]:
                yield f"{event} lies in no slice"
            if event["ts"] < last.get(arrow, -math.inf):
                yield f"{event} goes back in time"
            last[arrow] = event["ts"]
    for arrow, passed in phases.items():
        if passed != ["s", *("t" for _ in passed[2:]), "f"]:
            yield f"arrow {arrow} has the phases {passed}"
