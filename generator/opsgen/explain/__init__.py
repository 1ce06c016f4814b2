"""Answers to what people ask of a service: which value comes from where, and who is told of
what."""
