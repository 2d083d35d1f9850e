"""What models share: one training loop for networks, autoencoders, boosted trees.

    from podium.learning import Rows, Settings, train_network

`__init__.pyi` lists the names. Each is loaded when it is first used: a model of trees needs no
PyTorch, and a network no LightGBM.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
