"""All stages strung together over many specs: load, make, build, with a cache and all cores."""
