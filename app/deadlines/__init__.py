"""Every open deadline of every kind as one value."""
