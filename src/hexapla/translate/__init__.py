"""From the client's dialect to the upstream's and back, in the cheapest lane that loses nothing in silence."""
