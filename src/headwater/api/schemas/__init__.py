"""What clients read: the views of our records and the answers about the platform itself."""
