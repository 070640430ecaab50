"""Talks to an archive (PACS): images in, results out, by DICOMweb or by DIMSE.

Nothing here prints or keeps a password, names a patient, or leaves half a file behind.
"""
