//! Measurements and the references that they are held against; asserts no behaviour.
