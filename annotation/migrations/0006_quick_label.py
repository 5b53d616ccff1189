"""Two functions on PostgreSQL: an ordinary label and the claim of the next seat, in one statement of the web process.

They do what `services.submitting` and `services.claiming` do where nothing is unusual, and nothing at all elsewhere;
`services.quick_label` calls them, and a test holds both ways against each other row by row.
"""

from django.apps import apps as all_apps
from django.conf import settings
from django.db import migrations

# The next seat of an expert who has none in hand: null, and nothing written, unless the case is an ordinary one
# (no gold tasks in between, not in qualification, a seat is there). One time for the whole claim: as a variable it
# can be looked up in an index.
CLAIM = """
CREATE OR REPLACE FUNCTION annotation_quick_claim(p_expert bigint, p_campaign bigint) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    v_member record;
    v_taken record;
    v_highest integer;
    v_now timestamptz := clock_timestamp();
BEGIN
    SELECT m.id, m.cursor AS place, m.returned_cursor AS returned, c.first_experts, c.lease_minutes, u.is_superuser,
        (SELECT array_agg(g.name::text) FROM auth_group g JOIN {user_groups} ug ON ug.group_id = g.id
            WHERE ug.user_id = u.id) AS roles
    INTO v_member
    FROM annotation_membership m
    JOIN annotation_campaign c ON c.id = m.campaign_id
    JOIN {user} u ON u.id = m.expert_id
    WHERE m.campaign_id = p_campaign AND m.expert_id = p_expert AND m.state = 'active' AND c.state = 'open'
        AND c.kind <> 'items' AND c.gold_share = 0 AND u.is_active
        AND NOT EXISTS (SELECT 1 FROM annotation_slot h
            WHERE h.campaign_id = p_campaign AND h.expert_id = p_expert AND h.state = 'leased');
    IF NOT FOUND OR NOT (v_member.is_superuser OR COALESCE('expert' = ANY (v_member.roles), false)) THEN
        RETURN NULL;
    END IF;
    v_highest := CASE WHEN v_member.is_superuser OR 'referee' = ANY (v_member.roles)
        THEN v_member.first_experts ELSE 32767 END;
    UPDATE annotation_slot SET state = 'leased', taken_from_id = expert_id, expert_id = p_expert, ahead = false,
        fence = fence + 1, claimed_at = v_now, lease_until = v_now + v_member.lease_minutes * interval '1 minute'
    WHERE id = COALESCE(
        (SELECT s.id FROM annotation_slot s WHERE s.campaign_id = p_campaign AND s.state = 'leased'
            AND s.lease_until <= v_now AND s.reserved_for_id IS NULL AND s.ordinal <= v_highest
            AND NOT EXISTS (SELECT 1 FROM annotation_slot o
                WHERE o.task_id = s.task_id AND o.expert_id = p_expert OFFSET 0)
            ORDER BY s.lease_until, s.id LIMIT 1 FOR UPDATE OF s SKIP LOCKED),
        (SELECT s.id FROM annotation_slot s WHERE s.campaign_id = p_campaign AND s.state = 'open' AND s.queue = 1
            AND s.position >= v_member.returned AND s.ordinal <= v_highest
            AND NOT EXISTS (SELECT 1 FROM annotation_slot o
                WHERE o.task_id = s.task_id AND o.expert_id = p_expert OFFSET 0)
            ORDER BY s.position, s.id LIMIT 1 FOR UPDATE OF s SKIP LOCKED),
        (SELECT s.id FROM annotation_slot s WHERE s.campaign_id = p_campaign AND s.state = 'open' AND s.queue = 0
            AND s.position >= v_member.place
            AND NOT EXISTS (SELECT 1 FROM annotation_slot o
                WHERE o.task_id = s.task_id AND o.expert_id = p_expert OFFSET 0)
            ORDER BY s.position, s.id LIMIT 1 FOR UPDATE OF s SKIP LOCKED))
    RETURNING id, queue, position, fence, taken_from_id INTO v_taken;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    UPDATE annotation_membership SET dealt = dealt + 1, wrap_after = NULL,
        cursor = CASE WHEN v_taken.queue = 0 AND v_taken.taken_from_id IS NULL THEN v_taken.position ELSE cursor END,
        returned_cursor = CASE WHEN v_taken.queue = 1 AND v_taken.taken_from_id IS NULL
            THEN v_taken.position ELSE returned_cursor END
    WHERE id = v_member.id;
    IF v_taken.taken_from_id IS NOT NULL THEN
        INSERT INTO annotation_slotevent (slot_id, expert_id, kind, fence, at)
        VALUES (v_taken.id, v_taken.taken_from_id, 'expired', v_taken.fence - 1, v_now);
    END IF;
    INSERT INTO annotation_slotevent (slot_id, expert_id, kind, fence, at)
    VALUES (v_taken.id, p_expert, 'claimed', v_taken.fence, v_now);
    RETURN v_taken.id;
END $$
"""

# With p_slot: stores the label, decides its task and, if p_next, claims the next seat. Without: claims in p_campaign.
# No row, and nothing written: not an ordinary case (or the token is not a good one). The claim comes last and waits for
# no lock, so that two experts who label and claim on each other's tasks cannot wait for one another.
LABEL = """
CREATE OR REPLACE FUNCTION annotation_quick_label(
    p_digest text, p_campaign text, p_slot bigint, p_fence integer, p_said smallint[], p_rationale text,
    p_evidence jsonb, p_reach integer, p_duration integer, p_key text, p_next boolean)
RETURNS TABLE (expert bigint, label bigint, submitted_at timestamptz, campaign text, code text, swapped boolean,
    guideline smallint, rounds smallint, next_slot bigint, next_fence integer, next_state text, next_until timestamptz,
    next_ahead boolean, next_queue smallint, next_slug text, next_kind text, next_guideline smallint, next_code text,
    next_item_kind text, next_scenario text, next_question text, next_options jsonb, next_norm_text text,
    next_has_norm boolean, next_norm text, next_article text, next_source text, next_status text, next_response text,
    next_other text, next_swapped boolean, next_version integer, next_content jsonb)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    v_expert bigint;
    v_seat record;
    v_waiting integer;
    v_labels integer;
    v_winner smallint[];
    v_given_up boolean;
    v_next bigint;
    v_now timestamptz;
    v_label bigint;
BEGIN
    SELECT u.id INTO v_expert FROM {token} k JOIN {user} u ON u.id = k.user_id
    WHERE k.digest = p_digest AND u.is_active AND (k.expiry IS NULL OR k.expiry >= clock_timestamp());
    IF NOT FOUND THEN
        RETURN;
    END IF;
    IF p_slot IS NULL THEN
        SELECT annotation_quick_claim(v_expert, c.id) INTO v_next FROM annotation_campaign c WHERE c.slug = p_campaign;
        IF v_next IS NULL THEN
            RETURN;
        END IF;
        SELECT NULL::varchar AS slug, NULL::boolean AS swapped, NULL::smallint AS qualification_tasks,
            NULL::bigint AS item_id, NULL::bigint AS guideline_id INTO v_seat;
    ELSE
        SELECT s.task_id, s.campaign_id, s.ordinal, c.first_experts, c.cap, c.max_skips, c.guideline_id, c.slug,
            c.qualification_tasks, t.state, t.purpose, t.wanted, t.item_id, t.response_id, t.swapped
        INTO v_seat
        FROM annotation_slot s
        JOIN annotation_task t ON t.id = s.task_id
        JOIN annotation_campaign c ON c.id = s.campaign_id
        JOIN annotation_membership m ON m.campaign_id = s.campaign_id AND m.expert_id = v_expert
        WHERE s.id = p_slot AND s.expert_id = v_expert AND s.fence = p_fence AND s.state = 'leased'
            AND s.queue IN (0, 1, 2) AND c.state <> 'closed' AND c.kind IN ('responses', 'guardian')
            AND m.state <> 'removed'
        FOR NO KEY UPDATE OF t;
        IF NOT FOUND OR (p_reach > 0 AND p_reach > COALESCE((SELECT char_length(r.text) FROM benchmark_response r
            WHERE r.id = v_seat.response_id), 0)) THEN
            RETURN;
        END IF;
        -- The task is locked: from here on every statement sees all labels given before.
        IF v_seat.purpose = 'real' THEN
            SELECT count(*) INTO v_waiting FROM annotation_slot o
            WHERE o.task_id = v_seat.task_id AND o.id <> p_slot AND o.state IN ('open', 'leased');
            SELECT count(*) + 1 INTO v_labels FROM annotation_label l
            WHERE l.task_id = v_seat.task_id AND l.current AND l.blind AND NOT l.extra;
            IF v_labels < v_seat.first_experts THEN
                IF v_seat.state <> 'open' OR v_seat.wanted <> v_labels + v_waiting
                    OR v_seat.wanted < v_seat.first_experts THEN
                    RETURN;
                END IF;
            ELSIF v_waiting > 0 OR v_seat.state NOT IN ('open', 'disputed') THEN
                RETURN;
            END IF;
        END IF;
        v_now := clock_timestamp();
        UPDATE annotation_slot SET state = 'labelled', lease_until = NULL, ahead = false, finished_at = v_now
        WHERE id = p_slot AND expert_id = v_expert AND fence = p_fence AND state = 'leased';
        IF NOT FOUND THEN
            RETURN;
        END IF;
        INSERT INTO annotation_label (task_id, slot_id, campaign_id, expert_id, r1, r2, q1, q2, q3, q4, rationale,
            evidence, blind, extra, revision, current, guideline_id, duration_ms, key, submitted_at)
        VALUES (v_seat.task_id, p_slot, v_seat.campaign_id, v_expert, p_said[1], p_said[2], p_said[3], p_said[4],
            p_said[5], p_said[6], p_rationale, p_evidence, true, false, 0, true, v_seat.guideline_id, p_duration,
            p_key, v_now)
        RETURNING id INTO v_label;
        INSERT INTO annotation_slotevent (slot_id, expert_id, kind, fence, at)
        VALUES (p_slot, v_expert, 'submitted', p_fence, v_now);
        DELETE FROM annotation_draft WHERE slot_id = p_slot AND expert_id = v_expert;
        IF v_seat.purpose = 'real' AND v_labels >= v_seat.first_experts THEN
            SELECT ARRAY[l.r1, l.r2, l.q1, l.q2, l.q3, l.q4] INTO v_winner FROM annotation_label l
            WHERE l.task_id = v_seat.task_id AND l.current AND l.blind AND NOT l.extra
            GROUP BY l.r1, l.r2, l.q1, l.q2, l.q3, l.q4 HAVING 2 * count(*) > v_labels;
            IF FOUND THEN
                UPDATE annotation_task SET state = 'agreed', wanted = v_labels, settled_at = v_now,
                    consensus = jsonb_build_object('r1', v_winner[1], 'r2', v_winner[2], 'q1', v_winner[3],
                        'q2', v_winner[4], 'q3', v_winner[5], 'q4', v_winner[6])
                WHERE id = v_seat.task_id;
            ELSE
                v_given_up := v_labels >= v_seat.cap OR v_seat.max_skips <=
                    (SELECT count(*) FROM annotation_skip k WHERE k.task_id = v_seat.task_id);
                IF NOT v_given_up THEN
                    -- One more seat; its number tells it from those of the start.
                    WITH opened AS (
                        INSERT INTO annotation_slot (task_id, campaign_id, ordinal, queue, position, state, ahead,
                            fence)
                        SELECT v_seat.task_id, v_seat.campaign_id, 1 + GREATEST(v_seat.first_experts, max(o.ordinal)),
                            1, (EXTRACT(EPOCH FROM v_now) * 1000000)::bigint, 'open', false, 0
                        FROM annotation_slot o WHERE o.task_id = v_seat.task_id
                            AND o.state IN ('open', 'leased', 'labelled')
                        RETURNING id)
                    INSERT INTO annotation_slotevent (slot_id, kind, fence, at)
                    SELECT opened.id, 'opened', 0, v_now FROM opened;
                END IF;
                UPDATE annotation_task SET state = 'disputed', consensus = NULL, settled_at = NULL,
                    wanted = v_labels + CASE WHEN v_given_up THEN 0 ELSE 1 END
                WHERE id = v_seat.task_id;
            END IF;
        END IF;
        IF p_next THEN
            v_next := annotation_quick_claim(v_expert, v_seat.campaign_id);
        END IF;
    END IF;
    RETURN QUERY
    SELECT v_expert, v_label, v_now, v_seat.slug::text, i.code::text, v_seat.swapped, g.number,
        v_seat.qualification_tasks, d.*
    FROM (SELECT 1) one
    LEFT JOIN benchmark_item i ON i.id = v_seat.item_id
    LEFT JOIN annotation_guidelineversion g ON g.id = v_seat.guideline_id
    LEFT JOIN LATERAL (
        SELECT s.id, s.fence, s.state::text, s.lease_until, s.ahead, s.queue, c.slug::text, c.kind::text, ng.number,
            ni.code::text, ni.kind::text, sc.slug::text, ni.question::text, ni.options, ni.norm_text::text,
            n.id IS NOT NULL, n.text::text, n.article::text, so.title::text, so.status::text, r.text::text,
            o.text::text, t.swapped, dr.version, dr.content
        FROM annotation_slot s
        JOIN annotation_task t ON t.id = s.task_id
        JOIN annotation_campaign c ON c.id = s.campaign_id
        JOIN benchmark_item ni ON ni.id = t.item_id
        JOIN benchmark_scenario sc ON sc.id = ni.scenario_id
        LEFT JOIN annotation_guidelineversion ng ON ng.id = c.guideline_id
        LEFT JOIN benchmark_norm n ON n.id = ni.norm_id
        LEFT JOIN benchmark_source so ON so.id = n.source_id
        LEFT JOIN benchmark_response r ON r.id = t.response_id
        LEFT JOIN benchmark_response o ON o.id = t.other_id
        LEFT JOIN annotation_draft dr ON dr.slot_id = s.id AND dr.expert_id = v_expert
        WHERE s.id = v_next
    ) d ON true;
END $$
"""
DROP = (
    "DROP FUNCTION IF EXISTS annotation_quick_label"
    "(text, text, bigint, integer, smallint[], text, jsonb, integer, integer, text, boolean)",
    "DROP FUNCTION IF EXISTS annotation_quick_claim(bigint, bigint)",
)


def create(apps, schema_editor):
    """The tables of people and tokens have the names that the settings give them."""
    if schema_editor.connection.vendor != "postgresql":
        return
    user = all_apps.get_model(settings.AUTH_USER_MODEL)
    names = {
        "user": user._meta.db_table,
        "user_groups": user._meta.get_field("groups").remote_field.through._meta.db_table,
        "token": all_apps.get_model(settings.KNOX_TOKEN_MODEL)._meta.db_table,
    }
    for text in (CLAIM, LABEL):
        for name, table in names.items():
            text = text.replace("{" + name + "}", table)
        schema_editor.execute(text, params=None)


def drop(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        for statement in DROP:
            schema_editor.execute(statement, params=None)


class Migration(migrations.Migration):
    dependencies = [
        ("annotation", "0005_campaign_outdated_only"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        migrations.swappable_dependency(settings.KNOX_TOKEN_MODEL),
    ]
    operations = [migrations.RunPython(create, drop)]
