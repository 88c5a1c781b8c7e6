"""What goes to the server."""
