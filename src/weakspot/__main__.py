"""`python -m weakspot` is `weakspot`."""

import sys

from weakspot.cli.main import main

sys.exit(main())
