"""How this version is known to fail; every output says so."""

NOTICE = "Research use only. Not a medical device. Not for decisions about a patient's care."

KNOWN_LIMITS = (
    "Bones without a mask are found by networks trained on synthetic images alone. An outline that "
    "they are not sure of is shown and not measured; a wrong one may still be called sure.",
    "Fracture lines, low-signal areas and demarcation are looked for in bones with oedema alone, "
    "under joint surfaces whose other bone is in the image, by limits set on synthetic images. "
    "Collapse, cysts, erosions and double lines are left to a reader.",
    "Oedema is what is brighter than normal marrow of the same bone. Red marrow, vessels, cysts, "
    "failed fat suppression and fluid at the surface can look like it.",
    "Volumes of one lesion differ up to twofold between methods: compare visits measured alike.",
    "Intended for adults with closed growth plates.",
    "The evidence is read mostly from abstracts, and part of it is from memory (marked). "
    "Probabilities rest on it and on a prior that is judgement, not data.",
)
