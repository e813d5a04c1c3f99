"""What the city does: measures, their status, what happened and what they consist of."""
