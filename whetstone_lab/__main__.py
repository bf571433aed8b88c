"""``python -m whetstone_lab``: the command ``whetstone-lab`` where scripts are not on the path."""

import sys

from whetstone_lab.cli.main import main

sys.exit(main())
