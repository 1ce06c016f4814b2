"""The values that pass from stage to stage: service, signal, artifact, finding. Frozen, and made of
nothing that reads or writes."""
