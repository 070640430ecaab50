"""What is known of the patient: case, findings, and the words for them. Imports nothing of ours."""
