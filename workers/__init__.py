"""Where time acts: thin Celery tasks, the beat table, and the mail server of a trial."""
