"""What exists in a trial only: signing in as a role, and a clock one can move forward."""
