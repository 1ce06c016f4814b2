"""The write stage: sets of artifacts go in; an output folder that holds them comes out.

`manifest` remembers which files are opsgen's own, `plan` compares with the disk and `decide` says
what becomes of each file, `write` carries that out, and `disk` asks the system. Nothing that a
person wrote is lost on the way, whatever interrupts it.
"""
