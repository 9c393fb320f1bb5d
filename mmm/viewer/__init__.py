"""Showing motion as scenes, films, pages and pictures, in notebooks, files and the workbench.

Importing this package gives clips their ``show()`` for notebooks (see ``mmm.viewer.notebook``).
"""

from mmm.viewer import notebook

notebook.register()
