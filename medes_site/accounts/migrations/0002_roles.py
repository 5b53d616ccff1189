from django.db import migrations

ROLES = ("expert", "referee", "submitter", "researcher")


def create_roles(apps, schema_editor):
    groups = apps.get_model("auth", "Group").objects.using(schema_editor.connection.alias)
    for name in ROLES:
        groups.get_or_create(name=name)


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial"), ("auth", "0012_alter_user_first_name_max_length")]

    # Backwards nothing: people may hold the roles, and the next migration forwards finds them again.
    operations = [migrations.RunPython(create_roles, migrations.RunPython.noop)]
