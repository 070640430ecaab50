#!/bin/sh
# Install the system parts that some tests use, where this user may; say so where not.
# Chromium opens the report as a browser would; dicom3tools checks written DICOM; dcmtk and gdcm
# compress and read DICOM independently of us; Orthanc is the archive that images come from and
# results go to, and openssl makes a certificate for it.
set -u

missing=""
command -v chromium >/dev/null 2>&1 || missing="$missing chromium fonts-dejavu-core"
command -v dciodvfy >/dev/null 2>&1 || missing="$missing dicom3tools"
command -v dcmcjpeg >/dev/null 2>&1 || missing="$missing dcmtk"
command -v gdcmconv >/dev/null 2>&1 || missing="$missing libgdcm-tools"
[ -e /usr/share/orthanc/plugins/libOrthancDicomWeb.so ] || missing="$missing orthanc orthanc-dicomweb"
command -v openssl >/dev/null 2>&1 || missing="$missing openssl"
[ -z "$missing" ] && exit 0

if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null 2>&1; then
    echo "Not installed (needs root and Debian):$missing. Tests that use them will be skipped."
    exit 0
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq && apt-get install -y -qq --no-install-recommends $missing >/dev/null ||
    echo "Could not install:$missing. Tests that use them will be skipped, and fail in CI."
exit 0
