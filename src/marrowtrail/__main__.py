"""``python -m marrowtrail`` is ``marrowtrail``."""

from marrowtrail.cli import main

if __name__ == "__main__":
    main()
