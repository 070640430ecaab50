"""Bones and soft tissue of one limb, drawn from templates: what a patient is when healthy."""
