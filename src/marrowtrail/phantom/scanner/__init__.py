"""What stands between a painted limb and its image: coil, sampling, noise, artefacts."""
