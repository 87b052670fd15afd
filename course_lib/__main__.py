"""`python -m course_lib …` is `course …`, where the command itself is not on the PATH."""

import sys

from course_lib.commands.app import main

if __name__ == "__main__":
    sys.exit(main())
