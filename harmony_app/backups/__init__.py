"""Backups of the whole site: every row of the database and every object of the storage, in files of any database.

`writing.backup_write` makes one while the site runs, `restoring.backup_restore` brings it into an empty site.
"""
