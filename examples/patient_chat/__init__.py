"""Patients and doctors who write each other: Starlette, python-socketio, SQLAlchemy and broadcastkit."""
