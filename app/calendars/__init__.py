"""Days, periods and dates known only in part. Pure: no database, no clock."""
