"""Readers of what lies on disk, without Django: for the site and for the engines alike."""
