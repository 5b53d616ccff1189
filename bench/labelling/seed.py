"""A campaign with any number of tasks and experts with API tokens, on the database of DATABASE_URL.

`python -m bench.labelling.seed TASKS EXPERTS` migrates first and prints {"campaign", "tokens"} as JSON.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import django
from django.apps import apps
from django.core.management import call_command

if __name__ == "__main__":
    django.setup()

from django.contrib.auth import get_user_model  # noqa: E402
from django.contrib.auth.models import Group  # noqa: E402
from django.db import connection, transaction  # noqa: E402

from annotation.database import make_slots  # noqa: E402
from annotation.models import Campaign, Task  # noqa: E402
from annotation.services.campaigns import add_guideline  # noqa: E402
from annotation.services.members import join_campaign  # noqa: E402
from benchmark.models import (  # noqa: E402
    Benchmark,
    BenchmarkVersion,
    Corpus,
    Entry,
    Item,
    Norm,
    NormGroup,
    Response,
    Scenario,
    Source,
    Submission,
)
from medes_site.accounts.services import create_api_token  # noqa: E402
from medes_site.kit.roles import Role  # noqa: E402

SUBJECTS = 200  # different responses behind the tasks, of the released median length
LENGTH = 1_200


def person(name: str, role: Role) -> Any:
    users = get_user_model()._default_manager
    user = users.filter(username=name).first()
    if user is None:
        user = users.create_user(name, f"{name}@bench.invalid", None)  # type: ignore[attr-defined]
        user.groups.add(Group.objects.get_or_create(name=role.value)[0])
    return user


def subjects() -> tuple[BenchmarkVersion, list[int]]:
    """A frozen version with SUBJECTS items, one response to each; made once."""
    known = BenchmarkVersion.objects.filter(benchmark__slug="labelling").first()
    if known is not None:
        return known, list(Response.objects.filter(item__version=known).values_list("pk", flat=True))
    corpus = Corpus.objects.create(slug="labelling-norms", name_zh="规范", name_en="Norms")
    source = Source.objects.create(corpus=corpus, key="law", title="中华人民共和国医师法", kind="law")
    group = NormGroup.objects.create(corpus=corpus, number=1, key="0" * 64, audit=False)
    norm = Norm.objects.create(
        source=source, group=group, code="n1", article="第二十五条", text="医师应当如实说明病情。", text_hash="0" * 64,
        search_terms="",
    )  # fmt: skip
    benchmark = Benchmark.objects.create(slug="labelling", name_zh="标注", name_en="Labelling", corpus=corpus)
    version = BenchmarkVersion.objects.create(benchmark=benchmark, label="1")
    scenario = Scenario.objects.create(slug="labelling", name_zh="日常诊疗", name_en="Routine care")
    items = Item.objects.bulk_create(
        Item(
            version=version, code=f"sub-{number:04d}", kind="subjective", number=number, split="public",
            dimension="ethics_reasoning", scenario=scenario, norm=norm, norm_text=norm.text,
            question=f"第{number}问：家属要我瞒着病人，" * 10, cluster="norm-group:1", search_terms="",
        )
        for number in range(1, SUBJECTS + 1)
    )  # fmt: skip
    BenchmarkVersion.objects.filter(pk=version.pk).update(state="frozen", content_hash="0" * 64)
    entry = Entry.objects.create(slug="labelled", name="被标注的模型")
    submission = Submission.objects.create(entry=entry, version=version, method="imported", state="public")
    Response.objects.bulk_create(
        Response(
            submission=submission,
            item=item,
            text="应当尊重患者的知情权。" * (LENGTH // 11),
            text_hash="0" * 64,
        )
        for item in items
    )
    return version, list(Response.objects.filter(submission=submission).values_list("pk", flat=True))


def trust_what_comes() -> None:
    """To the end of the transaction PostgreSQL checks no foreign keys of new rows: made-up millions in a minute.

    Only a superuser may ask for that; anybody else waits.
    """
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('is_superuser') = 'on'")
        if cursor.fetchone()[0]:
            cursor.execute("SET LOCAL session_replication_role = replica")


@transaction.atomic
def seed_campaign(tasks: int, *, experts: int, slug: str = "load") -> dict[str, Any]:
    """An open campaign (two experts a task, at most three) with `experts` members; their tokens."""
    researcher = person("bench-researcher", Role.RESEARCHER)
    version, _responses = subjects()
    campaign = Campaign.objects.create(
        slug=slug, title_zh="压力", title_en="Load", kind="responses", version=version, state="open",
        order="oldest", created_by=researcher, lease_minutes=20,
    )  # fmt: skip
    add_guideline(actor=researcher, campaign=campaign, text_zh="先看清题目。", text_en="Read first.")
    trust_what_comes()
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {Task._meta.db_table} (campaign_id, item_id, response_id, swapped, purpose, "
            "explanation_zh, explanation_en, position, priority, stratum, state, wanted) "
            "SELECT %s, r.item_id, r.id, false, 'real', '', '', n, 0, 'random', 'open', 0 "
            "FROM generate_series(1, %s) n JOIN (SELECT id, item_id, row_number() OVER (ORDER BY id) - 1 AS place "
            "FROM benchmark_response WHERE submission_id = (SELECT id FROM benchmark_submission WHERE entry_id = "
            "(SELECT id FROM benchmark_entry WHERE slug = 'labelled'))) r ON r.place = n %% %s",
            [campaign.pk, tasks, SUBJECTS],
        )
        assert cursor.rowcount == tasks
    make_slots(campaign=campaign.pk, seats=campaign.first_experts, limit=tasks)
    tokens = []
    for number in range(experts):
        expert = person(f"bench-expert-{number}", Role.EXPERT)
        join_campaign(actor=expert, campaign=campaign)
        tokens.append(create_api_token(actor=expert, name=slug, days=None)[1])
    return {"campaign": campaign.slug, "campaign_id": campaign.pk, "tokens": tokens}


def main() -> None:
    call_command("migrate", interactive=False, verbosity=0)
    assert apps.ready
    tasks, experts = (int(given) for given in sys.argv[1:3])
    sys.stdout.write(json.dumps(seed_campaign(tasks, experts=experts)))


if __name__ == "__main__":
    main()
