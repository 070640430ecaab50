"""DICOM objects derived from a result: segmentations, structured reports, a PDF for the record."""
