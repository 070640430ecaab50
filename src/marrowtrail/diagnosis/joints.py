"""Joints of a site, as the priors and the course count them."""

from __future__ import annotations

from functools import cache

from marrowtrail.record.sites import Site
from marrowtrail.record.vocabulary import UnknownWordError, vocabulary

_LISTED_AS = {"ankle": "ankle_foot", "foot": "ankle_foot"}
"""Joints that the priors list together."""


@cache
def joints_of_site(site: Site) -> tuple[str, ...]:
    """Joints of a site; those of its bone where no region is given."""
    words = vocabulary()
    try:
        bone = words.bone(site.bone)
        region = bone.region(site.region).joint if site.region else None
    except UnknownWordError:
        return ()
    joints = (region,) if region else bone.joints
    return tuple(_LISTED_AS.get(joint, joint) for joint in joints)
