"""The resolve stage: what people wrote in, a complete `Service` out, with the origin of every
value."""
