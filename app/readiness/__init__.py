"""Whether a programme is ready to go live: what is missing, and where it is mended."""
