import uuid

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("privacy", "0001_tables")]

    operations = [
        migrations.AddField(
            model_name="sealingpublickey",
            name="instance_id",
            field=models.UUIDField(default=uuid.uuid4),
            preserve_default=False,
        )
    ]
