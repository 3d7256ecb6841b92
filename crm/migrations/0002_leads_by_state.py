from django.db import migrations, models


class Migration(migrations.Migration):
    """The list of leads is read by state, newest first."""

    dependencies = [("crm", "0001_tables")]

    operations = [
        migrations.AddIndex(
            model_name="lead",
            index=models.Index(
                fields=["state", "-received_at", "-id"], name="lead_by_state"
            ),
        ),
    ]
