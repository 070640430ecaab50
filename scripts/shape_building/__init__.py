"""What the scripts share that build the phantom's shapes from surfaces and label maps."""
