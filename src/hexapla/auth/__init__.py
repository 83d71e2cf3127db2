"""How to log in to a provider."""
