"""The study protocol: what annotators go through, as data."""
