"""What recruitment services say when they send people, and where people are sent back to."""
