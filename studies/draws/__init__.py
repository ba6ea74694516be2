"""Pure functions of the draw: which trial comes next, on which side, and where catch trials and repeats come."""
