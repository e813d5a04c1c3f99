"""Files: evidence and attachments, kept once by content."""
