"""The write stage: sets of artifacts in, an output folder that holds them out.

`artifact` is what renderers return, `manifest` remembers which files are opsgen's own, `plan`
compares with the disk and decides, `write` carries a plan out, and `disk` asks the system. Nothing
that a person wrote is lost on the way, whatever interrupts it.
"""
