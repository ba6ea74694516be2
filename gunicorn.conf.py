"""What gunicorn reads when it is started in this folder; options on its command line go before it."""

from harmony_app.gunicorn_conf import access_log_format, child_exit, logger_class

__all__ = ["access_log_format", "child_exit", "logger_class"]
