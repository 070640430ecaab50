"""Training of the bone network from label maps (extra ``train``)."""
