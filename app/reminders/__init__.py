"""Reminders of deadlines: none lost, none repeated."""
