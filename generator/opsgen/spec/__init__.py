"""What users write: the models of their files, and the way from bytes to these models or to every mistake in them."""
