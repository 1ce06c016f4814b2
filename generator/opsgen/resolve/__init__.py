"""The resolve stage. What people wrote goes in; a complete `Service` comes out, with the origin of
every value."""
