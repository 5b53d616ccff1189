"""Whoever was shown a verdict by a reveal, or contested one, has read it: also from before that was written down."""

from django.db import migrations

BATCH = 2000


def note_reveals(apps, schema_editor):
    Sighting = apps.get_model('benchmark', 'Sighting')
    reveals = apps.get_model('annotation', 'Reveal').objects.exclude(label__task__response=None).order_by('pk').values_list(
        'label__expert', 'label__task__response', 'shown_at'
    )
    contests = apps.get_model('annotation', 'Contest').objects.order_by('pk').values_list(
        'expert', 'response', 'created_at'
    )
    for found in (reveals, contests):
        rows = []
        for user, response, at in found.iterator(chunk_size=BATCH):
            rows.append(Sighting(user_id=user, response_id=response, at=at, verdict=True))
            if len(rows) == BATCH:
                Sighting.objects.bulk_create(rows, ignore_conflicts=True)
                rows = []
        Sighting.objects.bulk_create(rows, ignore_conflicts=True)


class Migration(migrations.Migration):

    dependencies = [
        ('annotation', '0007_corrections'),
        ('benchmark', '0006_sighting_verdict'),
    ]

    operations = [
        migrations.RunPython(note_reveals, migrations.RunPython.noop),
    ]
