"""`python -m examples.artisan_jobs.manage COMMAND`: Django's commands, and those of management/commands."""

from __future__ import annotations

import os
import sys

from django.core.management import execute_from_command_line

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "examples.artisan_jobs.settings")
    execute_from_command_line(sys.argv)
