"""What is said, independent of any wire: requests, responses, stream events, losses.  Pure values, no I/O."""
