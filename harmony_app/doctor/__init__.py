"""Looking a deployment over: `manage.py doctor` asks every check and says what to fix."""
