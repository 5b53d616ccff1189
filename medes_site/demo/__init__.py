"""The demo: Redis, web server and worker of one installation, started and stopped together (`make demo`)."""
