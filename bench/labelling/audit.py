"""After a load run: what of the acknowledged labels is lost or doubled, and what went beyond the cap."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import psycopg


@dataclass(frozen=True, slots=True)
class Audit:
    """Counts; all but `labels` should be 0. `extras`: late labels, which are kept outside of the cap."""

    labels: int
    lost: int
    doubled: int
    beyond_cap: int
    shared_leases: int
    extras: int
    from_the_future: int

    @property
    def clean(self) -> bool:
        return not (
            self.lost or self.doubled or self.beyond_cap or self.shared_leases or self.from_the_future
        )


def audit(database_url: str, campaign: int, acknowledged: Iterable[str]) -> Audit:
    """Asks the database itself. `from_the_future`: times that no clock of the database can have given."""
    keys = list(acknowledged)
    with psycopg.connect(database_url) as connection:

        def one(statement: str, *parameters: object) -> int:
            row = connection.execute(statement, parameters).fetchone()  # type: ignore[arg-type]
            return int(row[0]) if row else 0

        stored = one("SELECT count(*) FROM annotation_label WHERE campaign_id = %s", campaign)
        found = one(
            "SELECT count(DISTINCT key) FROM annotation_label WHERE campaign_id = %s AND key = ANY(%s)",
            campaign,
            keys,
        )
        twice = one(
            "SELECT count(*) FROM (SELECT 1 FROM annotation_label WHERE campaign_id = %s AND current "
            "GROUP BY task_id, expert_id HAVING count(*) > 1) t",
            campaign,
        )
        beyond = one(
            "SELECT count(*) FROM (SELECT 1 FROM annotation_label l JOIN annotation_campaign c ON c.id = l.campaign_id "
            "WHERE c.id = %s AND l.current AND NOT l.extra GROUP BY l.task_id, c.cap HAVING count(*) > c.cap) t",
            campaign,
        )
        shared = one(
            "SELECT count(*) FROM (SELECT 1 FROM annotation_slotevent e JOIN annotation_slot s ON s.id = e.slot_id "
            "WHERE s.campaign_id = %s AND e.kind = 'claimed' GROUP BY e.slot_id, e.fence HAVING count(*) > 1) t",
            campaign,
        )
        extras = one("SELECT count(*) FROM annotation_label WHERE campaign_id = %s AND extra", campaign)
        future = one(
            "SELECT (SELECT count(*) FROM annotation_label WHERE campaign_id = %s "
            "AND submitted_at NOT BETWEEN now() - interval '30 minutes' AND now()) + "
            "(SELECT count(*) FROM annotation_slot s JOIN annotation_campaign c ON c.id = s.campaign_id WHERE c.id = %s "
            "AND s.state = 'leased' AND s.lease_until > now() + c.lease_minutes * interval '1 minute')",
            campaign,
            campaign,
        )
    doubled = twice + (stored - len(set(keys)))
    return Audit(stored, len(set(keys)) - found, doubled, beyond, shared, extras, future)
