from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from examples.artisan_jobs import seed


class Command(BaseCommand):
    help = "Fill an empty database with a few people and their jobs."

    def handle(self, *args: Any, **options: Any) -> None:
        del args, options
        self.stdout.write("Seeded." if seed.seed() else "There are people already: nothing to do.")
