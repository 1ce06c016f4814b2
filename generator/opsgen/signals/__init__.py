"""The derive stage. A resolved service goes in; its signals come out."""
