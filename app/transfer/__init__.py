"""City files: one documented format that carries a whole city in and out (docs/import-format.md)."""
