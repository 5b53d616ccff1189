from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('benchmark', '0005_sightings'),
    ]

    operations = [
        migrations.AddField(
            model_name='sighting',
            name='verdict',
            field=models.BooleanField(default=True),
        ),
    ]
