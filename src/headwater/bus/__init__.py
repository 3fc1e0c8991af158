"""Topics and delivery inside the process."""
