"""A site under load: the simulated annotators, the sites they work on, and what is measured."""
