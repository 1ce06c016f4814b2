"""A service and its signals go in; its runbook comes out, the page for a person on call at 3
a.m."""
