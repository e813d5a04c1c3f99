"""Outbox, log and health: what those who run the installation look at."""
