"""Accord's command line: `python manage.py help` lists the verbs."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "deploy.settings")
    from django.core.management import execute_from_command_line

    from deploy.logs import keep_values_out_of_last_words

    keep_values_out_of_last_words()
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
