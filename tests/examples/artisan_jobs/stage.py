"""Django in this process, set up for the application: the file that is imported before all others."""

from __future__ import annotations

import os
import tempfile

import django

__all__ = ["FOLDER"]

FOLDER = tempfile.TemporaryDirectory(prefix="artisan-jobs-")
# before Django reads them; nothing is sent unless a test wants it
os.environ |= {
    "DJANGO_SETTINGS_MODULE": "examples.artisan_jobs.settings",
    "ARTISAN_JOBS_DATA": FOLDER.name,
    "BROADCAST_CONNECTION": "pusher",
    "PUSHER_APP_ID": "mysharpjob",
    "PUSHER_APP_KEY": "mysharpjob-key",
    "PUSHER_APP_SECRET": "mysharpjob-secret",
    "PUSHER_HOST": "127.0.0.1",
    "PUSHER_PORT": "6001",
    "PUSHER_SCHEME": "http",
    "CORS_ALLOWED_ORIGINS": "http://localhost:5173",
}
django.setup()
