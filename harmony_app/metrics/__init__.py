"""What the site tells Prometheus: requests and answers as they happen, and the state of the database and queues."""
