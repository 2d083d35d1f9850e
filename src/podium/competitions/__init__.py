"""All competitions, wherever they are: in the wheel, in the checkout, in the user's workspace.

A path rather than a registry: adding a competition is adding a folder. The path is computed at
import, so that a spawned worker finds the same folders.
"""

from podium.workspace import competition_roots

__path__ = [*__path__, *(str(root) for root in competition_roots())]
