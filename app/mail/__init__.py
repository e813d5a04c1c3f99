"""The outbox: mail is a row first, and leaves only from rows already committed."""
