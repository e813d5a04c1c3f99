"""Where people belong and what they may do."""
