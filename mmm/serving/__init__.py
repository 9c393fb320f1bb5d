"""The library over the network: an HTTP API, its client, and Ray behind the API.

``mmm serve`` starts the API of :mod:`mmm.serving.api`; :func:`mmm.connect` calls it. Importing this
package imports neither FastAPI nor Ray: both come with ``pip install .[serve]``.
"""
