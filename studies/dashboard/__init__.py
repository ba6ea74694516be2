"""The researchers' pages, below /dashboard/."""
