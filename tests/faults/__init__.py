"""Faults with a real server: killed servers and browsers, restarted databases, full disks, cut networks."""
