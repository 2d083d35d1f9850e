"""Data: fetched once, prepared, split, verified; and the readers of tables.

    from podium.data import Prepared, tables

Names are loaded when they are first used; they are listed in `__init__.pyi`.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
