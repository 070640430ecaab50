"""Bones found by the networks: coarse, cleaned, sided, refined, judged."""
