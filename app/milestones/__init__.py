"""What a measure promised by when, and who confirmed that it was reached."""
