//! Load tests: a stranger at the door, over HTTP only.
