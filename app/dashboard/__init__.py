"""Where everybody begins: what is theirs to do, and what is coming."""
