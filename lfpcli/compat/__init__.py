"""Other packages' names over this library, so that their scripts run with one import changed."""
