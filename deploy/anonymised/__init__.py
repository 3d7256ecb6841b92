"""A copy for operations: of the same shape and volumes, about people who do not exist.

Nothing of a person crosses. What crosses is a shape: how many there are of each kind, in cells of
at least ten people (`measuring`). From it an installation is made anew (`making`). Not even an id
or a moment is carried over, so there is nothing by which two copies, or a copy and the original,
could be joined. No key is needed to measure: no document is opened.
"""
