"""What is ill in a joint, as formulas in the frame of the limb: lesions, signs, their course."""
