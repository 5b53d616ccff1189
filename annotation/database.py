"""The one statement that claims a slot, and how large campaigns are laid out: SQL that models cannot say.

A claim looks in up to five places, each one short walk along a partial index, in this order: gold seats (if one
is due), leases that ran out, seats that came back, fresh seats from the expert's cursor on, and, rarely,
both queues from the beginning. COALESCE runs each subquery only when those before it found nothing.
Seats of tasks on which the expert has a seat already are passed over; thanks to the two cursors nearly
none are met. OFFSET 0 keeps the planner from turning that check into a hash of all the expert's seats.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connection

_NOT_MINE = (
    "NOT EXISTS (SELECT 1 FROM annotation_slot mine "
    "WHERE mine.task_id = s.task_id AND mine.expert_id = %(expert)s {tail})"
)
_SEAT = "s.ordinal <= %(highest)s"
_PLACES: Mapping[str, tuple[str, str]] = {
    "gold": ("s.state = 'open' AND s.reserved_for_id = %(expert)s AND s.queue = 2", "s.position"),
    "qualification": ("s.state = 'open' AND s.reserved_for_id = %(expert)s AND s.queue = 3", "s.position"),
    "expired": (
        f"s.state = 'leased' AND s.lease_until <= {{now}} AND s.reserved_for_id IS NULL AND {_SEAT}",
        "s.lease_until, s.id",
    ),
    "returned": (
        f"s.state = 'open' AND s.queue = 1 AND s.position >= %(returned_cursor)s AND {_SEAT}",
        "s.position, s.id",
    ),
    "fresh": ("s.state = 'open' AND s.queue = 0 AND s.position >= %(cursor)s", "s.position, s.id"),
    "returned_again": (
        f"s.state = 'open' AND s.queue = 1 AND s.position < %(returned_cursor)s AND {_SEAT}",
        "s.position, s.id",
    ),
    "fresh_again": ("s.state = 'open' AND s.queue = 0 AND s.position < %(cursor)s", "s.position, s.id"),
}
ORDINARY = ("expired", "returned", "fresh")
BEHIND = ("returned_again", "fresh_again")

Row = tuple[int, int]


def _slot_id(places: Sequence[str], vendor: str) -> str:
    now = "STATEMENT_TIMESTAMP()" if vendor == "postgresql" else "%(now)s"
    tail = "OFFSET 0" if vendor == "postgresql" else ""
    lock = "FOR UPDATE OF s SKIP LOCKED" if vendor == "postgresql" else ""
    found = [
        f"(SELECT s.id FROM annotation_slot s WHERE s.campaign_id = %(campaign)s "
        f"AND {_PLACES[place][0].format(now=now)} AND {_NOT_MINE.format(tail=tail)} "
        f"ORDER BY {_PLACES[place][1]} LIMIT 1 {lock})"
        for place in places
    ]
    return f"COALESCE({', '.join(found)})" if len(found) > 1 else found[0]


# Who had the seat before is noted by the update itself, so no other claim can come between.
_TAKE = (
    "UPDATE annotation_slot SET state = 'leased', taken_from_id = expert_id, expert_id = %(expert)s, "
    "ahead = %(ahead)s, fence = fence + 1, claimed_at = {now}, lease_until = {until} "
    "WHERE id = {slot} RETURNING id, task_id, queue, position, fence, taken_from_id"
)
# A lease that ran out may lie anywhere: it moves no cursor.
_MOVE = (
    "UPDATE annotation_membership SET dealt = dealt + 1, wrap_after = NULL, "
    "cursor = CASE WHEN picked.queue = 0 AND picked.taken_from_id IS NULL "
    "THEN picked.position ELSE cursor END, "
    "returned_cursor = CASE WHEN picked.queue = 1 AND picked.taken_from_id IS NULL "
    "THEN picked.position ELSE returned_cursor END "
    "FROM picked WHERE annotation_membership.id = %(membership)s"
)
_EVENTS = (
    "INSERT INTO annotation_slotevent (slot_id, expert_id, kind, fence, at) "
    "SELECT id, taken_from_id, 'expired', fence - 1, {now} FROM picked WHERE taken_from_id IS NOT NULL "
    "UNION ALL SELECT id, %(expert)s, 'claimed', fence, {now} FROM picked"
)


def claim_statement(places: Sequence[str]) -> str:
    """The statement for PostgreSQL; its parameters are those of `take_slot`."""
    now = "STATEMENT_TIMESTAMP()"
    take = _TAKE.format(now=now, until=f"{now} + %(lease)s", slot=_slot_id(places, "postgresql"))
    return (
        f"WITH picked AS ({take}), moved AS ({_MOVE}), written AS ({_EVENTS.format(now=now)}) "
        "SELECT id, task_id FROM picked"
    )


def take_slot(places: Sequence[str], parameters: Mapping[str, Any]) -> Row | None:
    """Claims the first slot found in `places`: (slot id, task id), or None.

    Parameters: campaign, expert, membership (ids), ahead, lease (timedelta), cursor, returned_cursor,
    highest (the highest ordinal the expert may sit on); on SQLite also now. SQLite does the same in three
    statements: its transactions hold the one write lock from their beginning.
    """
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(claim_statement(places), dict(parameters))
            row = cursor.fetchone()
            return (row[0], row[1]) if row else None
        values = {**parameters, "until": parameters["now"] + parameters["lease"]}
        del values["lease"]
        take = _TAKE.format(now="%(now)s", until="%(until)s", slot=_slot_id(places, "sqlite"))
        cursor.execute(take, _used(take, values))
        row = cursor.fetchone()
        if row is None:
            return None
        picked = dict(zip(("id", "task_id", "queue", "position", "fence", "taken_from"), row, strict=True))
        _note_on_sqlite(cursor, {**values, **picked})
        return picked["id"], picked["task_id"]


def _note_on_sqlite(cursor: Any, values: Mapping[str, Any]) -> None:
    picked = (
        "(SELECT %(id)s AS id, %(queue)s AS queue, %(position)s AS position, %(fence)s AS fence, "
        "%(taken_from)s AS taken_from_id)"
    )
    for statement in (_MOVE, _EVENTS.format(now="%(now)s")):
        whole = statement.replace("FROM picked", f"FROM {picked} AS picked")
        cursor.execute(whole, _used(whole, values))


def _used(statement: str, values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if f"%({name})s" in statement}


# --- laying out a campaign -------------------------------------------------------------------------------


def draw_tasks(source: str, source_parameters: Sequence[Any], *, campaign: int, seed: int) -> int:
    """Inserts the tasks of a campaign in one statement; returns their number.

    `source` is a SELECT of (item, response, other) ids. Positions are preliminary (the order of drawing by
    a hash of the seed); `order_tasks` gives the final ones. `swapped` is a bit of another hash.
    """
    text = " || ':' || ".join(
        f"COALESCE(CAST(src.{name} AS varchar(20)), '')" for name in ("item_id", "response_id", "other_id")
    )
    statement = (
        "INSERT INTO annotation_task (campaign_id, item_id, response_id, other_id, swapped, purpose, "
        "explanation_zh, explanation_en, position, priority, stratum, state, wanted) "
        "SELECT %s, src.item_id, src.response_id, src.other_id, "
        f"src.other_id IS NOT NULL AND MD5('swap:' || %s || ':' || {text}) >= '8', "
        f"'real', '', '', ROW_NUMBER() OVER (ORDER BY MD5(%s || ':' || {text}), src.item_id), 0, 'random', 'open', 0 "
        f"FROM ({source}) src"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, [campaign, str(seed), str(seed), *source_parameters])
        return int(cursor.rowcount)


_ORDERS: Mapping[str, str] = {
    "oldest": "SELECT id, ROW_NUMBER() OVER (ORDER BY COALESCE(response_id, item_id), id) AS place, "
    "'random' AS stratum FROM drawn",
    "random": "SELECT id, draw AS place, 'random' AS stratum FROM drawn",
    # Both strata are spread evenly over the queue, so that a campaign that stops early has some of each.
    "priority": "SELECT id, ROW_NUMBER() OVER (ORDER BY CASE WHEN draw <= %(random)s "
    "THEN (draw - 0.5) / %(random_size)s ELSE (by_score - 0.5) / %(rest)s END, id) AS place, "
    "CASE WHEN draw <= %(random)s THEN 'random' ELSE 'priority' END AS stratum FROM ("
    "SELECT id, draw, ROW_NUMBER() OVER (PARTITION BY CASE WHEN draw <= %(random)s THEN 1 ELSE 0 END "
    "ORDER BY priority DESC, draw) AS by_score FROM drawn) scored",
}


def order_tasks(*, campaign: int, order: str, random_size: int, total: int) -> None:
    """Gives every real task its final position (from 1) and its stratum.

    The preliminary positions are a random permutation: its first `random_size` are the random stratum of a
    campaign ordered by priority.
    """
    parameters = {
        "campaign": campaign,
        "random": random_size,
        "random_size": max(1, random_size),
        "rest": max(1, total - random_size),
    }
    statement = (
        "WITH drawn AS (SELECT id, item_id, response_id, priority, "
        "ROW_NUMBER() OVER (ORDER BY position, id) AS draw FROM annotation_task "
        "WHERE campaign_id = %(campaign)s AND purpose = 'real'), "
        f"placed AS ({_ORDERS[order]}) "
        "UPDATE annotation_task SET position = placed.place, stratum = placed.stratum "
        "FROM placed WHERE annotation_task.id = placed.id"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, _used(statement, parameters))


def make_slots(*, campaign: int, seats: int, limit: int) -> int:
    """Inserts the first seats of all real tasks up to position `limit`, in one statement; returns their number."""
    ordinals = " UNION ALL ".join(f"SELECT {int(number)} AS ordinal" for number in range(1, seats + 1))
    statement = (
        "INSERT INTO annotation_slot (task_id, campaign_id, ordinal, queue, position, state, ahead, fence) "
        "SELECT t.id, t.campaign_id, n.ordinal, 0, t.position, 'open', %s, 0 "
        f"FROM annotation_task t CROSS JOIN ({ordinals}) n "
        "WHERE t.campaign_id = %s AND t.purpose = 'real' AND t.position <= %s ORDER BY t.position, n.ordinal"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, [False, campaign, limit])
        made = int(cursor.rowcount)
        cursor.execute(
            "UPDATE annotation_task SET wanted = %s "
            "WHERE campaign_id = %s AND purpose = 'real' AND position <= %s",
            [seats, campaign, limit],
        )
        cursor.execute("ANALYZE annotation_slot")  # without statistics the planner would sort the whole queue
    return made
