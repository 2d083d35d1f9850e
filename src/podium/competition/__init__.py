"""The contract: what a competition is, and what its models are given and give.

    from podium.competition import Competition, Part, Report

Names are loaded when they are first used; they are listed in `__init__.pyi`.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
