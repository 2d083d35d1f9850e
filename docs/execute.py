"""Write docs/notebook.ipynb, which is docs/notebook_source.py with what it gives: `make notebook`.

People edit the source (jupytext's percent form). The notebook is that, executed in an empty
workspace, without anything that differs from run to run but the results themselves.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import jupytext
import nbformat
from nbclient import NotebookClient

SOURCE = Path(__file__).with_name("notebook_source.py")
NOTEBOOK = SOURCE.with_name("notebook.ipynb")
LONGEST = 600
"""Seconds for one cell, on a machine that does other things, too."""


def main() -> None:
    """Write the notebook."""
    with tempfile.TemporaryDirectory(prefix="podium-notebook-") as workspace:
        nbformat.write(executed(Path(workspace)), NOTEBOOK)


def cells() -> Any:
    """The notebook as its source says it, without outputs; cells are named by their place."""
    notebook = jupytext.read(SOURCE)
    notebook.metadata = {"kernelspec": notebook.metadata["kernelspec"]}
    for place, cell in enumerate(notebook.cells):
        cell.id, cell.metadata = f"cell-{place}", {}
    return notebook


def executed(workspace: Path) -> Any:
    """The notebook with its outputs.

    Args:
        workspace: An empty folder to run in.

    Raises:
        CellExecutionError: If a cell fails.
    """
    notebook = cells()
    client = NotebookClient(notebook, timeout=LONGEST, record_timing=False)
    client.execute(cwd=str(workspace))
    notebook.metadata.pop("language_info", None)
    return notebook


if __name__ == "__main__":
    main()
