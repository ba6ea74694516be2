"""The API for researchers: their studies, what was answered, and how they are run."""
