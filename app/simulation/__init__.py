"""Six years of reminders replayed with faults, and the rulebook they are checked against."""
