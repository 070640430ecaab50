"""Writing images and bone masks as DICOM, with headers as makers of scanners fill them."""
