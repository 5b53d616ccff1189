from django.db import migrations, models
import django.db.models.deletion


class Migration(migrations.Migration):

    dependencies = [
        ("benchmark", "0004_guardians"),
        ("training", "0001_datasets_and_runs"),
    ]

    operations = [
        migrations.AddField(
            model_name="run",
            name="entry",
            field=models.OneToOneField(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="run",
                to="benchmark.entry",
                verbose_name="entry",
            ),
        ),
    ]
