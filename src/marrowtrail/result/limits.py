"""How this version is known to fail; every output says so."""

NOTICE = "Research use only. Not a medical device. Not for decisions about a patient's care."

KNOWN_LIMITS = (
    "Bones without a mask are found by networks trained on synthetic images alone. An outline that "
    "they are not sure of is shown and not measured; a wrong one may still be called sure.",
    "No subchondral fracture line and no demarcation zone is looked for: a reader must enter "
    "them, and until then they count for nothing.",
    "Oedema is what is brighter than normal marrow of the same bone. Red marrow, vessels, cysts, "
    "failed fat suppression and fluid at the surface can look like it.",
    "Volumes of one lesion differ up to twofold between methods: compare visits measured alike.",
    "Intended for adults with closed growth plates.",
    "The evidence is read mostly from abstracts, and part of it is from memory (marked). "
    "Probabilities rest on it and on a prior that is judgement, not data.",
)
