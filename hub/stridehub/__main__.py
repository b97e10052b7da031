"""python -m stridehub"""

import sys

from stridehub.cli import main

sys.exit(main())
