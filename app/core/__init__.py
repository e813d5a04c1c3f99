"""What every slice stands on: clock, database, transaction, errors, texts. No word of the domain."""
