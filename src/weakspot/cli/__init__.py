"""A thin face over `api`."""
