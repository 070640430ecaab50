#!/bin/sh
# Make the README's picture: run the demo, open its report in headless Chromium, take a shot.
# Needs Chromium. Usage: sh scripts/readme_picture.sh (from the top of the checkout)
set -eu
mkdir -p docs/images
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
.venv/bin/marrowtrail demo --out "$work/demo" --quiet || test $? -eq 3
chromium --headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking \
    --disable-component-update --disable-sync --hide-scrollbars --user-data-dir="$work/profile" \
    --window-size=1280,1480 --screenshot="$work/report.png" "file://$work/demo/report.html" \
    >/dev/null 2>&1
.venv/bin/python -c "
import sys
from PIL import Image
picture = Image.open(sys.argv[1]).convert('RGB').quantize(128)
picture.save('docs/images/report.png', optimize=True)
" "$work/report.png"
