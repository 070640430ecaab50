"""The named regions of each bone, one module a joint.

A partition is a function from a :class:`BoneShape` to one index for each voxel. It works in
the bone's own (lateral, anterior, proximal) millimetres, so a tilted or turned limb gives
the same regions, and measures from the ends that are in view.
"""
