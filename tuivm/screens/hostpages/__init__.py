"""The pages of the hosts place, one file a page."""
