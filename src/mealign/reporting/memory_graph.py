"""The drawing of the fact graph: the position of each name and each fact.

The person is in the centre. The names that their facts mention most are placed around them on two rings, neighbours
next to each other, and every fact that joins two drawn names is a bead on the line between them. There is no
simulation: the same facts always give the same picture, labels have room by construction, and names keep their places.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mealign.memory.graph import FactGraph

WIDTH, HEIGHT = 1000, 760
RINGS = ((12, 235, 190), (24, 425, 325))
"""Number of places, horizontal and vertical half-axis of each ring around the centre."""

BEAD_GAP = 9.5
LANES = (0, 1, -1)
MAX_BEADS_A_LINE = 36
MAX_LINES = 160
MAX_BEADS = 1200
MAX_JOINED = 6
CENTRE_RADIUS = 40
GOLDEN_ANGLE = math.pi * (3 - math.sqrt(5))


@dataclass(frozen=True)
class Place:
    """A name in the drawing. ``facts`` is the number of facts that mention it."""

    name: str
    x: float
    y: float
    radius: float
    facts: int


@dataclass(frozen=True)
class Line:
    """A line from a name to another one, or to the point that gathers facts joining more than two names."""

    names: tuple[str, ...]
    x1: float
    y1: float
    x2: float
    y2: float


@dataclass(frozen=True)
class Bead:
    """A fact in the drawing."""

    fact_id: str
    names: tuple[str, ...]
    x: float
    y: float


@dataclass(frozen=True)
class Drawing:
    """The picture, and what it leaves out: names without a place, facts without a bead."""

    places: tuple[Place, ...]
    lines: tuple[Line, ...]
    beads: tuple[Bead, ...]
    names_left_out: int
    facts_left_out: int


def draw(graph: FactGraph, fact_ids: Sequence[str], *, person: str) -> Drawing:
    """Place a person, the names around them and the facts that join the names.

    Args:
        graph: the facts.
        fact_ids: ids of the graph's facts.
        person: the name in the centre.
    """
    counts = graph.names()
    places = _places(graph, counts, person)
    lines: list[Line] = []
    beads: list[Bead] = []
    for names, ids in _bundles(graph, fact_ids, places):
        ends = [places[name] for name in names]
        if len(ends) == 2:
            lines.append(_line(names, ends[0].x, ends[0].y, ends[1].x, ends[1].y))
            spots = _along(ends[0], ends[1], len(ids))
        else:
            x, y = _between(ends)
            lines += [_line(names, end.x, end.y, x, y) for end in ends]
            spots = _around(x, y, len(ids))
        beads += [
            Bead(fact_id=identity, names=names, x=round(x, 1), y=round(y, 1))
            for identity, (x, y) in zip(ids, spots, strict=False)
        ]
    return Drawing(
        places=tuple(places.values()),
        lines=tuple(lines),
        beads=tuple(beads),
        names_left_out=len(counts.keys() - places.keys()),
        facts_left_out=len(fact_ids) - len(beads),
    )


def _places(graph: FactGraph, counts: Counter[str], person: str) -> dict[str, Place]:
    ranked = sorted((name for name in counts if name != person), key=lambda name: (-counts[name], name))
    inner = _in_a_circle(graph, ranked[: RINGS[0][0]], person)
    outer = ranked[RINGS[0][0] : RINGS[0][0] + RINGS[1][0]]
    angles = {name: 2 * math.pi * index / max(1, len(inner)) for index, name in enumerate(inner)}
    angles |= _beside_partners(graph, outer, angles)
    most = counts[ranked[0]] if ranked else 1
    places = {person: Place(person, WIDTH / 2, HEIGHT / 2, CENTRE_RADIUS, counts[person])}
    for name in (*inner, *outer):
        _, across, down = RINGS[0] if name in inner else RINGS[1]
        places[name] = Place(
            name=name,
            x=round(WIDTH / 2 + across * math.sin(angles[name]), 1),
            y=round(HEIGHT / 2 - down * math.cos(angles[name]), 1),
            radius=round(7 + 15 * math.sqrt(counts[name] / most), 1),
            facts=counts[name],
        )
    return places


def _in_a_circle(graph: FactGraph, names: Sequence[str], person: str) -> list[str]:
    """Order names so that those sharing facts are neighbours: each is followed by its closest one still free."""
    free = list(names)
    ordered = free[:1]
    while len(ordered) < len(free):
        shared = graph.co_participants(ordered[-1])
        rest = [name for name in free if name not in ordered and name != person]
        ordered.append(max(rest, key=lambda name: (shared[name], -free.index(name))))
    return ordered


def _beside_partners(graph: FactGraph, names: Sequence[str], angles: Mapping[str, float]) -> dict[str, float]:
    """Give each name the free place of the outer ring that is nearest to the inner names with which it shares facts."""
    places = RINGS[1][0]
    # Shifted by half a step, so that the line to the centre passes between two names of the inner ring.
    free = [2 * math.pi * (index + 0.5) / places for index in range(places)]
    found = {}
    for name in names:
        shared = graph.co_participants(name)
        x = sum(shared[partner] * math.cos(angle) for partner, angle in angles.items())
        y = sum(shared[partner] * math.sin(angle) for partner, angle in angles.items())
        wanted = round(math.atan2(y, x), 6)
        found[name] = min(free, key=lambda angle: (round(1 - math.cos(angle - wanted), 6), angle))
        free.remove(found[name])
    return found


def _bundles(
    graph: FactGraph, fact_ids: Sequence[str], places: Mapping[str, Place]
) -> list[tuple[tuple[str, ...], list[str]]]:
    """Group the facts by the drawn names that they join, the largest group first."""
    rank = {name: position for position, name in enumerate(places)}
    bundles: dict[tuple[str, ...], list[str]] = {}
    for identity in fact_ids:
        names = sorted((name for name in graph.names_in(identity) if name in places), key=lambda name: rank[name])
        if 2 <= len(names) <= MAX_JOINED:
            bundles.setdefault(tuple(names), []).append(identity)
    largest = sorted(bundles.items(), key=lambda item: (-len(item[1]), item[0]))[:MAX_LINES]
    chosen, room = [], MAX_BEADS
    for joined, ids in largest:
        shown = ids[: min(MAX_BEADS_A_LINE, room)]
        room -= len(shown)
        if shown:
            chosen.append((joined, shown))
    return chosen


def _line(names: tuple[str, ...], x1: float, y1: float, x2: float, y2: float) -> Line:
    return Line(names, round(x1, 1), round(y1, 1), round(x2, 1), round(y2, 1))


def _along(start: Place, end: Place, count: int) -> list[tuple[float, float]]:
    """Return positions of beads on a line, with lanes beside it if it is too short.

    On a line from the centre they begin at the name, since lines to the outer ring pass between inner names; on other
    lines they are in the middle.
    """
    length = math.dist((start.x, start.y), (end.x, end.y))
    across, down = (end.x - start.x) / length, (end.y - start.y) / length
    first, last = start.radius + BEAD_GAP, length - end.radius - BEAD_GAP
    room = max(1, int((last - first) / BEAD_GAP))
    lanes = [lane for lane in LANES for _ in range(room)][:count]
    central = (start.x, start.y) == (WIDTH / 2, HEIGHT / 2)
    spots = []
    for index, lane in enumerate(lanes):
        in_lane = min(room, len(lanes) - index // room * room)
        middle = (first + last) / 2 + (index % room - (in_lane - 1) / 2) * BEAD_GAP
        way = last - index % room * BEAD_GAP if central else middle
        side = lane * BEAD_GAP
        spots.append((start.x + across * way - down * side, start.y + down * way + across * side))
    return spots


def _between(ends: Sequence[Place]) -> tuple[float, float]:
    """Return the middle of names, moved aside where the centre would cover it."""
    x, y = sum(end.x for end in ends) / len(ends), sum(end.y for end in ends) / len(ends)
    free = CENTRE_RADIUS + 2 * BEAD_GAP
    if math.dist((x, y), (WIDTH / 2, HEIGHT / 2)) >= free:
        return x, y
    across, down = ends[-1].x - WIDTH / 2, ends[-1].y - HEIGHT / 2
    length = math.hypot(across, down)
    return WIDTH / 2 + free * across / length, HEIGHT / 2 + free * down / length


def _around(x: float, y: float, count: int) -> list[tuple[float, float]]:
    """Return positions around a point, arranged like the seeds of a sunflower."""
    return [
        (
            x + BEAD_GAP * 0.75 * math.sqrt(index) * math.cos(index * GOLDEN_ANGLE),
            y + BEAD_GAP * 0.75 * math.sqrt(index) * math.sin(index * GOLDEN_ANGLE),
        )
        for index in range(count)
    ]
