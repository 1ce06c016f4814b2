"""The derive stage: a resolved service in, its signals out."""
