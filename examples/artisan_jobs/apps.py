from __future__ import annotations

from django.apps import AppConfig


class ArtisanJobs(AppConfig):
    name = "examples.artisan_jobs"
    label = "artisan_jobs"
    verbose_name = "MySharpJob"

    def ready(self) -> None:
        # who may listen where; in a module called `broadcasting` broadcastkit would find it by itself
        from examples.artisan_jobs import rules  # noqa: F401
