"""The one statement that claims a slot, and how large campaigns are laid out: SQL that models cannot say.

A claim looks in up to five places, each one short walk along a partial index, in this order: gold seats (if one
is due), leases that ran out, seats that came back, fresh seats from the expert's cursor on, and, rarely,
both queues from the beginning. COALESCE runs each subquery only when those before it found nothing.
Seats of tasks on which the expert has a seat already are passed over; thanks to the two cursors nearly
none are met. OFFSET 0 keeps the planner from turning that check into a hash of all the expert's seats.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import psycopg
from django.contrib.auth import get_user_model
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
    "named": (
        f"s.state = 'open' AND s.task_id = %(task)s AND s.reserved_for_id IS NULL AND {_SEAT}",
        "s.ordinal, s.id",
    ),
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


def prepared_row(statement: str, parameters: Any) -> tuple[Any, ...] | None:
    """PostgreSQL: the first row of a statement that each connection plans once and then only runs.

    Planning these took as long as running them. Django's own cursors bind on the client and plan every time.
    """
    connection.ensure_connection()
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
        cursor.execute(statement, parameters, prepare=True)
        row: tuple[Any, ...] | None = cursor.fetchone()
        return row


def take_slot(places: Sequence[str], parameters: Mapping[str, Any]) -> Row | None:
    """Claims the first slot found in `places`: (slot id, task id), or None.

    Parameters: campaign, expert, membership (ids), ahead, lease (timedelta), cursor, returned_cursor,
    highest (the highest ordinal the expert may sit on); task for the place "named"; on SQLite also now.
    SQLite does the same in three statements: its transactions hold the one write lock from their beginning.
    """
    if connection.vendor == "postgresql":
        found = prepared_row(claim_statement(places), dict(parameters))
        return (found[0], found[1]) if found else None
    with connection.cursor() as cursor:
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


# --- the short way of a label ----------------------------------------------------------------------------

# What deciding a task needs, with the task locked: the next statement sees every label given before.
_LOCKED_SEAT = """
    SELECT s.task_id, s.campaign_id, c.first_experts, c.guideline_id, t.state, t.purpose, t.wanted, c.slug, t.item_id,
        t.swapped, (SELECT i.code FROM benchmark_item i WHERE i.id = t.item_id),
        (SELECT g.number FROM annotation_guidelineversion g WHERE g.id = c.guideline_id), c.qualification_tasks
    FROM annotation_slot s
    JOIN annotation_task t ON t.id = s.task_id
    JOIN annotation_campaign c ON c.id = s.campaign_id
    WHERE s.id = %(slot)s AND s.expert_id = %(expert)s
    FOR NO KEY UPDATE OF t
"""
# Nothing happens unless the lease is this one and the label counts. `reach`: the end of its last passage.
_STORE_LABEL = """
    WITH seat AS (
        UPDATE annotation_slot s SET state = 'labelled', lease_until = NULL, ahead = false,
            finished_at = STATEMENT_TIMESTAMP()
        FROM annotation_task t, annotation_campaign c, annotation_membership m
        WHERE s.id = %(slot)s AND s.expert_id = %(expert)s AND s.fence = %(fence)s AND s.state = 'leased'
            AND s.queue IN (0, 1, 2) AND t.id = s.task_id AND c.id = s.campaign_id AND c.state <> 'closed'
            AND c.kind IN ('responses', 'guardian') AND m.campaign_id = s.campaign_id
            AND m.expert_id = s.expert_id AND m.state <> 'removed'
            AND (%(reach)s = 0 OR %(reach)s <= COALESCE(
                (SELECT char_length(r.text) FROM benchmark_response r WHERE r.id = t.response_id), 0))
        RETURNING s.id, s.task_id, s.campaign_id, c.guideline_id
    ), stored AS (
        INSERT INTO annotation_label (task_id, slot_id, campaign_id, expert_id, r1, r2, q1, q2, q3, q4, rationale,
            evidence, blind, extra, revision, current, guideline_id, duration_ms, key, submitted_at)
        SELECT task_id, id, campaign_id, %(expert)s, %(r1)s::smallint, %(r2)s::smallint, %(q1)s::smallint,
            %(q2)s::smallint, %(q3)s::smallint, %(q4)s::smallint, %(rationale)s::text, %(evidence)s::jsonb, true,
            false, 0, true, guideline_id, %(duration_ms)s::integer, %(key)s::text, STATEMENT_TIMESTAMP()
        FROM seat RETURNING id, submitted_at
    ), noted AS (
        INSERT INTO annotation_slotevent (slot_id, expert_id, kind, fence, at)
        SELECT id, %(expert)s, 'submitted', %(fence)s, STATEMENT_TIMESTAMP() FROM seat
    ), cleared AS (
        DELETE FROM annotation_draft WHERE expert_id = %(expert)s AND slot_id IN (SELECT id FROM seat)
    )
    SELECT stored.id, stored.submitted_at,
        (SELECT count(*) FROM annotation_slot o
         WHERE o.task_id = seat.task_id AND o.id <> seat.id AND o.state IN ('open', 'leased')),
        (SELECT array_agg(ARRAY[l.r1, l.r2, l.q1, l.q2, l.q3, l.q4] ORDER BY o.ordinal)
         FROM annotation_label l JOIN annotation_slot o ON o.id = l.slot_id
         WHERE l.task_id = seat.task_id AND l.current AND l.blind AND NOT l.extra)
    FROM stored, seat
"""
_MEMBER = """
    SELECT {columns}, (SELECT array_agg(g.name::text) FROM auth_group g JOIN {groups} ug ON ug.group_id = g.id
        WHERE ug.user_id = m.expert_id), (SELECT array_agg(ARRAY[s.id, s.ahead::int, s.queue] ORDER BY s.ahead)
        FROM annotation_slot s WHERE s.campaign_id = m.campaign_id AND s.expert_id = m.expert_id AND s.state = 'leased')
    FROM annotation_membership m JOIN annotation_campaign c ON c.id = m.campaign_id
    WHERE c.{key} = %s AND m.expert_id = %s AND m.state <> 'removed'
"""


@dataclass(frozen=True, slots=True)
class SeatToLabel:
    """What deciding a task and answering its expert needs to know of a seat whose task is locked."""

    task: int
    campaign: int
    first_experts: int
    guideline: int | None
    state: str
    purpose: str
    wanted: int
    slug: str
    item: int
    swapped: bool
    code: str
    guideline_number: int | None
    qualification_tasks: int


@dataclass(frozen=True, slots=True)
class StoredLabel:
    """`waiting`: other seats of the task, open or leased. `others`: r1…q4 of the other counted labels, by seat."""

    id: int
    submitted_at: datetime
    waiting: int
    others: list[list[int | None]]


def store_label(parameters: Mapping[str, Any]) -> tuple[SeatToLabel, StoredLabel] | None:
    """PostgreSQL, in a transaction: the lease becomes a labelled seat with label and event and without its draft.

    None, and nothing written, if the lease is not the expert's newest or the label would not count. The task is
    locked by one statement before the other begins; both travel together, with the BEGIN before them.
    """
    connection.ensure_connection()
    with connection.wrap_database_errors:
        raw = connection.connection
        with raw.pipeline(), psycopg.Cursor(raw) as locking, psycopg.Cursor(raw) as storing:
            wanted = {name: parameters[name] for name in ("slot", "expert")}
            locking.execute(_LOCKED_SEAT, wanted, prepare=True)
            storing.execute(_STORE_LABEL, parameters, prepare=True)
            seat, stored = locking.fetchone(), storing.fetchone()
    if seat is None or stored is None:
        return None
    return SeatToLabel(*seat), StoredLabel(stored[0], stored[1], stored[2], stored[3] or [])


def member_with_seats(
    member: Sequence[str],
    campaign: Sequence[str],
    *,
    key: Literal["id", "slug"],
    value: int | str,
    expert: int,
) -> tuple[Sequence[Any], Sequence[Any], frozenset[str], list[list[int]]] | None:
    """PostgreSQL: the named columns of a membership and of its campaign, the names of the expert's groups, and
    [slot, ahead, queue] of each lease.

    The campaign is named by its id or slug; the lease in hand comes before the one claimed ahead.
    """
    columns = ", ".join([*(f"m.{name}" for name in member), *(f"c.{name}" for name in campaign)])
    groups = get_user_model().groups.through._meta.db_table
    row = prepared_row(_MEMBER.format(columns=columns, key=key, groups=groups), [value, expert])
    if row is None:
        return None
    return row[: len(member)], row[len(member) : -2], frozenset(row[-2] or ()), row[-1] or []
