"""All measures and the fact sheet of each: pages that read across the slices below."""
