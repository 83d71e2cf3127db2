"""What a request may ask of the gateway beside the answer itself, in the words of OpenRouter's plugins and tools."""
