"""How a measure is getting on, as its lead reports it and its head releases it."""
