"""Parts that all views share: widgets, layout, the session, links and downloads."""
