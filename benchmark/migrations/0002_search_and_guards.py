from django.db import migrations

from benchmark.database import install


class Migration(migrations.Migration):
    dependencies = [("benchmark", "0001_initial")]
    operations = [migrations.RunPython(install, migrations.RunPython.noop)]
